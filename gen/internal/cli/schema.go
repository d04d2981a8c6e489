package cli

import (
	"hpcbench/gen/internal/recipe"
	"hpcbench/gen/internal/service"
)

var schemaCommand = command{"schema", "print the JSON Schema of recipes, for editors", `usage: gen schema [flags]

Prints the JSON Schema of recipes with descriptions, defaults and the settings of every service, so that an editor
completes keys and marks mistakes as one types. It is in schemas/recipe.schema.json too, and editors that use
yaml-language-server take it by a recipe's first line. gen check knows more: it holds fields against each other.

flags:
  --services DIR          services of your own; may be given several times

example:
  $ gen schema > recipe.schema.json
  $ head -1 mine.yaml
  # yaml-language-server: $schema=recipe.schema.json
`, runSchema}

func runSchema(e env, args []string) error {
	f := newFlags("schema")
	var dirs many
	f.Var(&dirs, "services", "")
	operands, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(operands) > 0 {
		return usagef("schema takes no arguments")
	}
	services, err := allServices(dirs)
	if err != nil {
		return err
	}
	_, clusters, err := profiles()
	if err != nil {
		return err
	}
	text, err := recipe.EditorSchema(services, clusters)
	if err != nil {
		return err
	}
	_, err = e.stdout.Write(text)
	return err
}

// allServices loads every service, gen's own and those of dirs.
func allServices(dirs []string) ([]*service.Service, error) {
	fsys, err := service.Open(dirs)
	if err != nil {
		return nil, err
	}
	names, err := service.List(fsys)
	if err != nil {
		return nil, err
	}
	var all []*service.Service
	for _, name := range names {
		s, err := service.Load(fsys, name)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}
