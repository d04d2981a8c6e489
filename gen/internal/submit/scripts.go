package submit

import _ "embed"

// The scripts that run on a place, each from the standard input of a bash.
var (
	//go:embed look.sh
	lookScript string
	//go:embed enter.sh
	enterScript string
	//go:embed start.sh
	startScript string
	//go:embed receive.sh
	receiveScript string
	//go:embed list.sh
	listScript string
	//go:embed find.sh
	findScript string
	//go:embed begun.sh
	begunScript string
)

// script is the command that reads a script from its standard input.
func script(args ...string) []string { return append([]string{"bash", "-s", "--"}, args...) }
