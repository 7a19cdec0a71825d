// SPDX-License-Identifier: MIT
/* Recursive-descent JSON reader; see json.h. Numbers are integers: the protocol has no others. */
#include "json.h"

#include <stdlib.h>
#include <string.h>

/* The protocol nests three deep. A limit keeps a garbled line from eating the stack. */
#define MAX_DEPTH 8

struct reader {
	char *at;
};

static struct json *parse_value(struct reader *r, int depth);

static void skip_space(struct reader *r)
{
	while (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r')
		r->at++;
}

static bool take(struct reader *r, char c)
{
	skip_space(r);
	if (*r->at != c)
		return false;
	r->at++;
	return true;
}

static int hex4(const char *s)
{
	int value = 0;

	for (int i = 0; i < 4; i++) {
		char c = s[i];
		int digit;

		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if (c >= 'a' && c <= 'f')
			digit = c - 'a' + 10;
		else if (c >= 'A' && c <= 'F')
			digit = c - 'A' + 10;
		else
			return -1;
		value = value * 16 + digit;
	}
	return value;
}

static char *put_utf8(char *out, unsigned int c)
{
	/* Python's surrogateescape writes a byte that is not UTF-8 as U+DC80..U+DCFF: give the byte back. */
	if (c >= 0xdc80 && c <= 0xdcff) {
		*out++ = (char)(c - 0xdc00);
		return out;
	}
	if (c < 0x80) {
		*out++ = (char)c;
	} else if (c < 0x800) {
		*out++ = (char)(0xc0 | c >> 6);
		*out++ = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*out++ = (char)(0xe0 | c >> 12);
		*out++ = (char)(0x80 | (c >> 6 & 0x3f));
		*out++ = (char)(0x80 | (c & 0x3f));
	} else {
		*out++ = (char)(0xf0 | c >> 18);
		*out++ = (char)(0x80 | (c >> 12 & 0x3f));
		*out++ = (char)(0x80 | (c >> 6 & 0x3f));
		*out++ = (char)(0x80 | (c & 0x3f));
	}
	return out;
}

/* After the backslash and the `u`. Joins a surrogate pair. NULL if the digits are wrong or the value is NUL. */
static char *parse_unicode(struct reader *r, char *out)
{
	int high = hex4(r->at);
	int low;

	/* An argument with a NUL in it cannot be passed to exec: refuse it rather than cut it short. */
	if (high <= 0)
		return NULL;
	r->at += 4;
	if (high >= 0xd800 && high < 0xdc00 && r->at[0] == '\\' && r->at[1] == 'u') {
		low = hex4(r->at + 2);
		if (low >= 0xdc00 && low < 0xe000) {
			r->at += 6;
			return put_utf8(out, 0x10000u + ((unsigned int)(high - 0xd800) << 10) +
						     (unsigned int)(low - 0xdc00));
		}
	}
	return put_utf8(out, (unsigned int)high);
}

/* An escape is never shorter than what it stands for, so the result fits where the source stood. */
static const char *parse_string(struct reader *r)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	char *start, *out;

	if (!take(r, '"'))
		return NULL;
	start = out = r->at;
	while (*r->at != '"') {
		const char *hit;

		if (!*r->at)
			return NULL;
		if (*r->at != '\\') {
			*out++ = *r->at++;
			continue;
		}
		r->at++;
		if (*r->at == 'u') {
			r->at++;
			out = parse_unicode(r, out);
			if (!out)
				return NULL;
			continue;
		}
		hit = *r->at ? strchr(from, *r->at) : NULL;
		if (!hit)
			return NULL;
		*out++ = to[hit - from];
		r->at++;
	}
	r->at++;
	*out = '\0';
	return start;
}

static bool parse_members(struct reader *r, struct json *parent, char close, int depth)
{
	struct json **tail = &parent->child;

	if (take(r, close))
		return true;
	do {
		const char *key = NULL;

		if (close == '}') {
			key = parse_string(r);
			if (!key || !take(r, ':'))
				return false;
		}
		*tail = parse_value(r, depth + 1);
		if (!*tail)
			return false;
		(*tail)->key = key;
		tail = &(*tail)->next;
	} while (take(r, ','));
	return take(r, close);
}

static bool parse_word(struct reader *r, struct json *value)
{
	static const struct {
		const char *word;
		enum json_kind kind;
		int number;
	} words[] = { { "true", JSON_BOOL, 1 }, { "false", JSON_BOOL, 0 }, { "null", JSON_NULL, 0 } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t length = strlen(words[i].word);

		if (strncmp(r->at, words[i].word, length))
			continue;
		value->kind = words[i].kind;
		value->number = words[i].number;
		r->at += length;
		return true;
	}
	return false;
}

static bool parse_into(struct reader *r, struct json *value, int depth)
{
	char *end;

	skip_space(r);
	switch (*r->at) {
	case '{':
	case '[':
		if (depth >= MAX_DEPTH)
			return false;
		value->kind = *r->at == '{' ? JSON_OBJECT : JSON_ARRAY;
		r->at++;
		return parse_members(r, value, value->kind == JSON_OBJECT ? '}' : ']', depth);
	case '"':
		value->kind = JSON_STRING;
		value->string = parse_string(r);
		return value->string;
	case '-':
	case '0' ... '9':
		value->kind = JSON_INT;
		value->number = strtoll(r->at, &end, 10);
		if (end == r->at)
			return false;
		r->at = end;
		return true;
	default:
		return parse_word(r, value);
	}
}

static struct json *parse_value(struct reader *r, int depth)
{
	struct json *value = calloc(1, sizeof(*value));

	if (value && !parse_into(r, value, depth)) {
		json_free(value);
		return NULL;
	}
	return value;
}

struct json *json_parse(char *text)
{
	struct reader r = { .at = text };
	struct json *value = parse_value(&r, 0);

	skip_space(&r);
	if (value && *r.at) {
		json_free(value);
		return NULL;
	}
	return value;
}

void json_free(struct json *value)
{
	while (value) {
		struct json *next = value->next;

		json_free(value->child);
		free(value);
		value = next;
	}
}

const struct json *json_get(const struct json *object, const char *key)
{
	const struct json *member;

	if (!object || object->kind != JSON_OBJECT)
		return NULL;
	for (member = object->child; member; member = member->next)
		if (!strcmp(member->key, key))
			return member;
	return NULL;
}

const char *json_string(const struct json *object, const char *key, const char *def)
{
	const struct json *member = json_get(object, key);

	return member && member->kind == JSON_STRING ? member->string : def;
}

long long json_int(const struct json *object, const char *key, long long def)
{
	const struct json *member = json_get(object, key);

	return member && member->kind == JSON_INT ? member->number : def;
}

bool json_bool(const struct json *object, const char *key, bool def)
{
	const struct json *member = json_get(object, key);

	return member && member->kind == JSON_BOOL ? member->number : def;
}

size_t json_length(const struct json *array)
{
	size_t length = 0;

	for (const struct json *item = array ? array->child : NULL; item; item = item->next)
		length++;
	return length;
}
