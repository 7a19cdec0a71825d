// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A plugin for GCC that refuses asm statements which enter the kernel by a trap.
 *
 * Statements are looked at when the body of a function that will be emitted has become a flow
 * graph: before inlining, so that the function's attributes are at hand, and before link-time
 * optimisation takes the code away. A function of a header that nobody calls is not looked at.
 *
 * An allowed trap is recorded in section .xsc_allow, where the linker's search finds it.
 */
#include "gcc-plugin.h"
#include "plugin-version.h"

#include "tree.h"
#include "gimple.h"
#include "gimple-iterator.h"
#include "tree-pass.h"
#include "context.h"
#include "cgraph.h"
#include "stringpool.h"
#include "attribs.h"
#include "diagnostic-core.h"
#include "input.h"
#include "c-family/c-pragma.h"

#include "template.h"

int plugin_is_GPL_compatible;

/* Only front ends for C have these. */
extern void c_register_pragma(const char *, const char *, pragma_handler_1arg)
	__attribute__((weak));
extern enum cpp_ttype pragma_lex(tree *, location_t *) __attribute__((weak));

namespace {

const char attribute_name[] = "xsc_allow_trap";
const char no_reason[] = "no reason given";

/* From `start` on traps are allowed, or no more. */
struct region {
	location_t start;
	const char *reason;	/* NULL: refused again */
};

auto_vec<region> regions;
auto_vec<location_t> reported;
bool warn_only;

/* Pragmas and the attribute -------------------------------------------------------------------- */

/* Only what needs no thought in a string of the assembler, nor in a template with operands. */
const char *plain_text(const char *text)
{
	char *copy = xstrdup(text);

	for (char *c = copy; *c; c++)
		if (!ISALNUM(*c) && strchr(" ,.:()_-/#", *c) == NULL)
			*c = '_';
	return copy;
}

void allow_from_here(cpp_reader *)
{
	location_t place = input_location, at;
	const char *reason = no_reason;
	tree value;
	enum cpp_ttype token = pragma_lex(&value, &at);

	if (token == CPP_STRING) {
		reason = plain_text(TREE_STRING_POINTER(value));
		token = pragma_lex(&value, &at);
	}
	if (token != CPP_EOF)
		warning_at(at, OPT_Wpragmas, "%<#pragma XSC_ALLOW_TRAP%> takes a string, the reason");
	regions.safe_push({ place, reason });
}

void refuse_from_here(cpp_reader *)
{
	regions.safe_push({ input_location, NULL });
}

void register_pragmas(void *, void *)
{
	c_register_pragma(NULL, "XSC_ALLOW_TRAP", allow_from_here);
	c_register_pragma(NULL, "XSC_REFUSE_TRAP", refuse_from_here);
}

tree check_attribute(tree *node, tree name, tree args, int, bool *no_add)
{
	if (TREE_CODE(*node) != FUNCTION_DECL) {
		warning(OPT_Wattributes, "%qE is for functions", name);
		*no_add = true;
	} else if (args && TREE_CODE(TREE_VALUE(args)) != STRING_CST) {
		error("the argument of %qE is a string, the reason", name);
		*no_add = true;
	}
	return NULL_TREE;
}

struct attribute_spec attribute = {
	attribute_name, 0, 1, true, false, false, false, check_attribute, NULL,
};

void register_attributes(void *, void *)
{
	register_attribute(&attribute);
}

location_t plain_location(location_t location)
{
	return linemap_resolve_location(line_table, location, LRK_MACRO_EXPANSION_POINT, NULL);
}

/* Why traps are allowed at a place in a function (or in none); NULL if they are not. */
const char *reason_at(location_t location, tree function)
{
	const char *reason = NULL;

	if (function) {
		tree found = lookup_attribute(attribute_name, DECL_ATTRIBUTES(function));

		if (found && TREE_VALUE(found))
			return plain_text(TREE_STRING_POINTER(TREE_VALUE(TREE_VALUE(found))));
		if (found)
			return no_reason;
	}
	for (const region &each : regions)
		if (plain_location(each.start) <= plain_location(location))
			reason = each.reason;
	return reason;
}

/* What happens with a find --------------------------------------------------------------------- */

bool seen_before(location_t location)
{
	location = LOCATION_LOCUS(plain_location(location));
	for (location_t each : reported)
		if (each == location)
			return true;
	reported.safe_push(location);
	return false;
}

void report(location_t location, const char *opcode)
{
	/* A template of C++ is compiled for each of its instances. */
	if (seen_before(location))
		return;
	if (warn_only) {
		warning_at(location, 0, "%qs in an %<asm%> statement [xsc-trap]", opcode);
		return;
	}
	error_at(location, "%qs in an %<asm%> statement [xsc-trap]", opcode);
	inform(location, "XSC programs enter the kernel through the C library: call its functions, "
	       "or %<syscall%>; a test may say %<#pragma XSC_ALLOW_TRAP%> with the reason");
}

/* Put labels around a statement of an asm text, and a record of them where the linker looks. */
char *with_record(const char *text, const template_trap &trap, const char *reason)
{
	char *result;

	result = xasprintf("%.*s5841: %.*s\n5842:\n\t.pushsection .xsc_allow,\"\",@progbits\n"
			   "\t.balign 8\n\t.quad 5841b, 5842b\n\t.asciz \"%s\"\n\t.balign 8\n"
			   "\t.popsection\n%s",
			   (int)trap.start, text, (int)(trap.end - trap.start), text + trap.start,
			   reason, text + trap.end);
	return result;
}

struct asm_text {
	const char *text;
	bool has_operands;
	location_t location;
	tree function;
	is_int80_operand ask;
	void *data;
};

/* Return the text with every trap in it refused or recorded; the same pointer if it has none. */
const char *checked(const asm_text &given)
{
	const char *text = given.text;
	size_t done = 0;

	for (;;) {
		template_reader reader(text + done, given.has_operands, given.ask, given.data);
		template_trap trap;

		if (!reader.next(trap))
			return text;
		const char *reason = reason_at(given.location, given.function);

		if (!reason) {
			report(given.location, trap.opcode);
			return text;
		}
		trap.start += done;
		trap.end += done;
		size_t rest = strlen(text + trap.end);
		text = with_record(text, trap, reason);
		done = strlen(text) - rest;
	}
}

/* asm statements in functions ------------------------------------------------------------------ */

/* Say whether some input of the statement is 0x80: which one `int %0` means hardly matters. */
bool has_int80_input(const char *, void *data)
{
	const gasm *statement = static_cast<gasm *>(data);

	for (unsigned int i = 0; i < gimple_asm_ninputs(statement); i++) {
		tree value = TREE_VALUE(gimple_asm_input_op(statement, i));

		if (TREE_CODE(value) == INTEGER_CST && wi::to_widest(value) == 0x80)
			return true;
	}
	return false;
}

void check_statement(gasm *statement, tree function)
{
	const char *text = checked({ statement->string, !gimple_asm_input_p(statement),
				     gimple_location(statement), function, has_int80_input,
				     statement });

	if (text != statement->string)
		statement->string = ggc_strdup(text);
}

const pass_data pass_description = {
	GIMPLE_PASS, "xsc_traps", OPTGROUP_NONE, TV_NONE, PROP_gimple_any, 0, 0, 0, 0,
};

class trap_pass : public gimple_opt_pass
{
public:
	trap_pass() : gimple_opt_pass(pass_description, g) {}

	unsigned int execute(function *fun) final override
	{
		basic_block block;

		FOR_EACH_BB_FN(block, fun)
			for (gimple_stmt_iterator i = gsi_start_bb(block); !gsi_end_p(i); gsi_next(&i))
				if (gasm *statement = dyn_cast<gasm *>(gsi_stmt(i)))
					check_statement(statement, fun->decl);
		return 0;
	}
};

/* asm outside of functions --------------------------------------------------------------------- */

bool in_a_function(expanded_location place)
{
	cgraph_node *node;

	FOR_EACH_DEFINED_FUNCTION(node) {
		function *fun = DECL_STRUCT_FUNCTION(node->decl);

		if (!fun)
			continue;
		expanded_location start = expand_location(fun->function_start_locus);
		expanded_location end = expand_location(fun->function_end_locus);

		if (start.file && strcmp(start.file, place.file) == 0 && start.line <= place.line &&
		    place.line <= end.line)
			return true;
	}
	return false;
}

/*
 * GCC forgets where such a statement was. Its text is looked for in the lines of the files that
 * were read, outside of functions; without success the place is the end of the main file.
 */
location_t place_of_text(const char *text, const template_trap &trap)
{
	size_t length = trap.end - trap.start;

	for (unsigned int i = 0; i < LINEMAPS_ORDINARY_USED(line_table); i++) {
		const line_map_ordinary *map = LINEMAPS_ORDINARY_MAP_AT(line_table, i);
		const char *file = ORDINARY_MAP_FILE_NAME(map);

		for (linenum_type line = ORDINARY_MAP_STARTING_LINE_NUMBER(map);; line++) {
			location_t location =
				linemap_position_for_line_and_column(line_table, map, line, 1);
			char_span source = location_get_source_line(file, line);

			if (!source || linemap_lookup(line_table, location) != map)
				break;
			if (memmem(source.get_buffer(), source.length(), text + trap.start, length) &&
			    !in_a_function(expand_location(location)))
				return location;
		}
	}
	return input_location;
}

bool no_operands(const char *, void *)
{
	return false;
}

void check_toplevel(void *, void *)
{
	for (asm_node *node = symtab->first_asm_symbol(); node; node = node->next) {
		const char *text = TREE_STRING_POINTER(node->asm_str);
		template_reader reader(text, false, no_operands, NULL);
		template_trap trap;

		if (!reader.next(trap))
			continue;
		const char *result = checked({ text, false, place_of_text(text, trap), NULL_TREE,
					       no_operands, NULL });

		if (result != text)
			node->asm_str = build_string(strlen(result) + 1, result);
	}
}

} /* namespace */

int plugin_init(plugin_name_args *args, plugin_gcc_version *version)
{
	const char *policy = getenv("XSC_TRAPS");

	if (strcmp(version->basever, gcc_version.basever) != 0) {
		error("the XSC plugin was made for GCC %s, not for %s", gcc_version.basever,
		      version->basever);
		return 1;
	}
	/*
	 * The back end of link-time optimisation gets what a front end has looked at, and other
	 * languages have no asm statements.
	 */
	if (!c_register_pragma || !pragma_lex)
		return 0;
	warn_only = policy && strcmp(policy, "warn") == 0;

	/* GCC owns the pass from here on. */
	register_pass_info info = { new trap_pass, "cfg", 1, PASS_POS_INSERT_AFTER };

	register_callback(args->base_name, PLUGIN_PASS_MANAGER_SETUP, NULL, &info);
	register_callback(args->base_name, PLUGIN_PRAGMAS, register_pragmas, NULL);
	register_callback(args->base_name, PLUGIN_ATTRIBUTES, register_attributes, NULL);
	register_callback(args->base_name, PLUGIN_ALL_IPA_PASSES_START, check_toplevel, NULL);
	return 0;
}
