// Package templates holds everything that gen writes bundles from: the job's templates, the shell functions they inline,
// the service folders and the cluster profiles.
package templates

import "embed"

// FS is this directory as it was compiled in.
//
//go:embed *.tmpl all:lib all:node all:monitoring all:services all:clusters
var FS embed.FS
