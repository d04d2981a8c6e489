package report

import "strings"

// Palette is the colours of report.html as CSS declarations, by day and by night: for pages that are to look like it.
func Palette() (light, dark string) {
	blocks := strings.SplitN(pageStyle, ":root {", 3)
	light, _, _ = strings.Cut(blocks[1], "}")
	dark, _, _ = strings.Cut(blocks[2], "}")
	return strings.TrimSpace(light), strings.TrimSpace(dark)
}
