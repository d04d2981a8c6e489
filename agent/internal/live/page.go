package live

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"strings"

	"hpcbench/agent/internal/report"
)

// The page is one file: page.html with page.css and page.js in it, and the colours of report.html.
var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
	//go:embed page.js
	pageJS string
)

// html is the page as it is sent.
func html() string {
	light, dark := report.Palette()
	colours := ":root { color-scheme: light; " + light + " }\n@media (prefers-color-scheme: dark) { :root:not([data-theme=light]) { color-scheme: dark; " + dark + " } }\n" +
		":root[data-theme=dark] { color-scheme: dark; " + dark + " }\n"
	return strings.NewReplacer("/*colours*/", colours, "/*style*/", pageCSS, "/*script*/", pageJS).Replace(pageHTML)
}

// scriptHash names the page's script in its policy (CSP level 2, script-src 'sha256-…').
func scriptHash() string {
	sum := sha256.Sum256([]byte(pageJS))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
