package service

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"
)

// mark stands before every value in a template's output, so that a value's own blanks, and a value that is empty, are
// told from the template's layout. No value may contain it: NUL is in no argument of any program.
const mark = "\x00"

// valueError is a value of the recipe that can't be what a template makes of it.
type valueError struct{ text string }

func (e *valueError) Error() string { return e.text }

// functions of the templates of a service folder:
//
//	arg V                  V as one argument or one variable's value, whatever is in it; an error if it has a newline
//	get MAP PATH [ELSE]    the value at a dotted path, ELSE when it is absent
//	given MAP PATH         whether there is one (get's 0 and false count as nothing in an if)
//	flags MAP SKIP...      an option a key, sorted: --key-with-dashes and its value; see flags
//	switches MAP SKIP...   the same for a server whose switches are only ever switched on: false is no option at all
//	filled MAP KEY V...    MAP, and each V at its KEY where MAP has nothing there
//	product A B...         of whole numbers
//	join A B...            one word out of several
//	absolute NAME          whether NAME is a path from the root
//	weights NAME ENV       where a model's files must be before its server starts: NAME, if it is a path from the root; the
//	                       directory that the Hugging Face cache in ENV has for it, if nothing may be downloaded; else nothing
//	hub NAME               whether NAME looks like a model of the Hugging Face hub, OWNER/NAME, and not like a path
var functions = template.FuncMap{
	"arg": arg, "get": get, "given": given, "flags": flags, "switches": switches, "filled": filled, "product": product, "join": join, "hub": hub,
	"absolute": absolute, "weights": weights,
}

func arg(v any) (string, error) {
	text, err := word(v)
	if err != nil {
		return "", err
	}
	if strings.ContainsAny(text, "\n\r\x00") {
		return "", &valueError{fmt.Sprintf("%q has a line break or NUL in it, which no argument may have", text)}
	}
	return mark + text, nil
}

// word writes a value as a command line has it: text as it is, maps and lists as JSON.
func word(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", &valueError{"a value is missing"}
	case string:
		return v, nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case map[string]any, []any:
		var out bytes.Buffer
		e := json.NewEncoder(&out)
		e.SetEscapeHTML(false)
		if err := e.Encode(v); err != nil {
			return "", &valueError{err.Error()}
		}
		return strings.TrimSpace(out.String()), nil
	}
	return fmt.Sprint(v), nil
}

func get(m map[string]any, path string, otherwise ...any) any {
	var v any = m
	for key := range strings.SplitSeq(path, ".") {
		inner, ok := v.(map[string]any)
		if !ok {
			v = nil
			break
		}
		v = inner[key]
	}
	if v == nil && len(otherwise) > 0 {
		return otherwise[0]
	}
	return v
}

func given(m map[string]any, path string) bool { return get(m, path) != nil }

var hubName = regexp.MustCompile(`^[A-Za-z0-9][\w.-]*/[\w.-]+$`)

func hub(name any) bool {
	text, ok := name.(string)
	return ok && hubName.MatchString(text)
}

func absolute(name any) bool {
	text, ok := name.(string)
	return ok && strings.HasPrefix(text, "/")
}

// weights knows how huggingface_hub names its directories: $HF_HUB_CACHE/models--OWNER--NAME, which is $HF_HOME/hub unless
// it is set (huggingface.co/docs/huggingface_hub/guides/manage-cache).
func weights(name any, environment map[string]string) string {
	text, _ := name.(string)
	cache := environment["HF_HUB_CACHE"]
	if home := environment["HF_HOME"]; cache == "" && home != "" {
		cache = strings.TrimSuffix(home, "/") + "/hub"
	}
	switch {
	case absolute(name):
		return text
	case !hub(name), cache == "", environment["HF_HUB_OFFLINE"] == "0":
		return ""
	}
	return cache + "/models--" + strings.ReplaceAll(text, "/", "--")
}

var option = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]*$`)

// flags turns each key of m but those of skip into an option: key_a: 1 into --key-a and 1; true into --key-a alone and
// false into --no-key-a, the form of Python's BooleanOptionalAction and of llama.cpp; maps and lists into JSON. A key
// without a value is left out.
func flags(m any, skip ...string) (string, error) { return options(m, "--no-", skip) }

// switches is flags where false has no form of its own: argparse's store_true.
func switches(m any, skip ...string) (string, error) { return options(m, "", skip) }

// options writes false as the option's name after no; not at all where no is empty.
func options(m any, no string, skip []string) (string, error) {
	keys, ok := m.(map[string]any)
	if !ok {
		return "", nil
	}
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		v := keys[key]
		if slices.Contains(skip, key) || v == nil {
			continue
		}
		if !option.MatchString(key) {
			return "", &valueError{fmt.Sprintf("%q can't be the name of an option", key)}
		}
		name := strings.ReplaceAll(key, "_", "-")
		switch v {
		case true:
			lines = append(lines, mark+"--"+name)
		case false:
			if no != "" {
				lines = append(lines, mark+no+name)
			}
		default:
			value, err := arg(v)
			if err != nil {
				return "", err
			}
			lines = append(lines, mark+"--"+name, value)
		}
	}
	return strings.Join(lines, "\n"), nil
}

// filled leaves m as it is: the copy has what m lacks.
func filled(m any, pairs ...any) (map[string]any, error) {
	all := map[string]any{}
	if m, ok := m.(map[string]any); ok {
		maps.Copy(all, m)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		key, ok := pairs[i].(string)
		if !ok {
			return nil, &valueError{fmt.Sprintf("%v can't be the name of a setting", pairs[i])}
		}
		if all[key] == nil {
			all[key] = pairs[i+1]
		}
	}
	return all, nil
}

func product(factors ...any) (int, error) {
	all := 1
	for _, f := range factors {
		switch f := f.(type) {
		case int:
			all *= f
		case int64:
			all *= int(f)
		case float64:
			all *= int(f)
		default:
			return 0, &valueError{fmt.Sprintf("%v is no whole number", f)}
		}
	}
	return all, nil
}

func join(parts ...any) (string, error) {
	var all strings.Builder
	for _, p := range parts {
		text, err := word(p)
		if err != nil {
			return "", err
		}
		all.WriteString(text)
	}
	return all.String(), nil
}
