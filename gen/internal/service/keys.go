package service

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strconv"
	"strings"
)

// documented is a table of the fields of one of this package's structs, and of the structs within, by what their comments
// say. One without a comment is an error, for a key that nobody explains is not there for those who don't read Go.
func documented(kind, of string) (string, error) {
	all, err := structs()
	if err != nil {
		return "", fmt.Errorf("reading the keys of %s: %w", of, err)
	}
	var b strings.Builder
	if kind == "Start" {
		b.WriteString("| field | value |\n|---|---|\n")
	} else {
		b.WriteString("| key | value | meaning |\n|---|---|---|\n")
	}
	err = all.rows(&b, kind, "")
	return b.String(), err
}

// structTypes are the structs of the package by name.
type structTypes map[string]*ast.StructType

func structs() (structTypes, error) {
	all := structTypes{}
	files, err := sources.ReadDir(".")
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		src, err := sources.ReadFile(f.Name())
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(token.NewFileSet(), f.Name(), src, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				if s, ok := spec.Type.(*ast.StructType); ok {
					all[spec.Name.Name] = s
				}
			}
			return true
		})
	}
	return all, nil
}

// rows writes the fields of a struct: those that service.yaml has, under their keys, or those of Start, under their names.
func (all structTypes) rows(b *strings.Builder, kind, prefix string) error {
	for _, field := range all[kind].Fields.List {
		key, words := yamlKey(field), sentence(field)
		if kind == "Start" {
			fmt.Fprintf(b, "| `.%s` | %s |\n", field.Names[0].Name, words)
			continue
		}
		if key == "-" {
			continue
		}
		if words == "" {
			return fmt.Errorf("the key %s%s has no comment beside its field", prefix, key)
		}
		inner, list, value := valueOf(field.Type)
		fmt.Fprintf(b, "| `%s%s` | %s | %s |\n", prefix, key, value, words)
		if all[inner] != nil {
			if err := all.rows(b, inner, prefix+key+list+"."); err != nil {
				return err
			}
		}
	}
	return nil
}

func yamlKey(field *ast.Field) string {
	if field.Tag == nil {
		return ""
	}
	tag, err := strconv.Unquote(field.Tag.Value)
	if err != nil {
		return ""
	}
	key, _, _ := strings.Cut(reflect.StructTag(tag).Get("yaml"), ",")
	return key
}

// sentence is the comment beside a field, or the one above it.
func sentence(field *ast.Field) string {
	words := field.Comment.Text()
	if words == "" {
		words = field.Doc.Text()
	}
	return text(strings.Join(strings.Fields(words), " "))
}

// valueOf is what a key takes, in words, and the struct that it has within.
func valueOf(e ast.Expr) (inner, list, words string) {
	switch e := e.(type) {
	case *ast.ArrayType:
		inner, _, words = valueOf(e.Elt)
		return inner, "[]", "list of " + plural(words)
	case *ast.MapType:
		return "", "", "map"
	case *ast.StarExpr:
		return valueOf(e.X)
	case *ast.Ident:
		if words, ok := kinds[e.Name]; ok {
			return "", "", words
		}
		return e.Name, "", "map"
	}
	return "", "", ""
}

var kinds = map[string]string{"string": "text", "int": "whole number", "float64": "number", "bool": "true or false"}

func plural(words string) string {
	if words == "text" {
		return "texts"
	}
	return words + "s"
}
