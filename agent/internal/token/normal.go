package token

import (
	"unicode"
	"unicode/utf8"
)

// Unicode's normal forms need tables that Go's standard library has not. Most text is in the form already, and that can be
// seen of its letters alone.

// ascii is an error unless a text is of ASCII alone, which is in all forms.
func ascii(text, form string) error {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return uncertain(form)
		}
	}
	return nil
}

// composed is an error unless a text is in NFC: no rune of it is one that NFC writes otherwise or may join to the one before, and
// no two marks whose order matters stand side by side (Unicode Standard Annex 15, §9, a little more careful).
func composed(text string) error {
	before := false
	for _, r := range text {
		if r < 0x300 {
			before = false
			continue
		}
		mark := unicode.Is(ordered, r)
		if mark && before || unicode.Is(unsure, r) {
			return uncertain("NFC")
		}
		before = mark
	}
	return nil
}
