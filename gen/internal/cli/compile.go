package cli

import "errors"

// compileCommand waits for render; this is its seam.
var compileCommand = command{"compile", "write job directories from recipes (the default)", "usage: gen [compile] RECIPE... [flags]\n",
	func(env, []string) error { return errors.New("compile is not built in yet") }}
