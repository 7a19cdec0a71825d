/* SPDX-License-Identifier: MIT */
/* A JSON reader just large enough for the control protocol: one object per line, read in place. */
#ifndef XSC_AGENT_JSON_H
#define XSC_AGENT_JSON_H

#include <stdbool.h>
#include <stddef.h>

enum json_kind { JSON_NULL, JSON_BOOL, JSON_INT, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/*
 * Values form a tree: `child` is the first element of an array or the first member of an object, `next` its neighbour.
 * A member's key is in `key`. All strings point into the line that was parsed, which must outlive the tree.
 */
struct json {
	enum json_kind kind;
	const char *key;
	const char *string;
	long long number;
	struct json *child;
	struct json *next;
};

/* NULL if `text` is not exactly one JSON value. `text` is rewritten (strings are unescaped where they stand). */
struct json *json_parse(char *text);
void json_free(struct json *value);

/* All of these accept NULL and a member that is missing or of another kind, and then return the default. */
const struct json *json_get(const struct json *object, const char *key);
const char *json_string(const struct json *object, const char *key, const char *def);
long long json_int(const struct json *object, const char *key, long long def);
bool json_bool(const struct json *object, const char *key, bool def);
size_t json_length(const struct json *array);

#endif
