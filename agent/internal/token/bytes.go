package token

import "strings"

// spellings finds the tokens of single bytes, which a vocabulary that is not of bytes writes as <0x0A>.
func (m *model) spellings() {
	const hex = "0123456789ABCDEF"
	for b := range m.bytes {
		m.bytes[b] = none
		if id, ok := m.ids["<0x"+string(hex[b>>4])+string(hex[b&15])+">"]; ok {
			m.bytes[b] = id
		}
	}
}

// byteOf is the byte that each letter of a byte-level vocabulary stands for, as GPT-2 has it: printable bytes are themselves,
// the others follow from U+0100 on.
var byteOf = func() map[rune]byte {
	all := map[rune]byte{}
	next := rune(256)
	for b := range rune(256) {
		r := b
		if b < '!' || b > '~' && b < 0xa1 || b == 0xad {
			r = next
			next++
		}
		all[r] = byte(b)
	}
	return all
}()

// rawBytes is the text of a token of a byte-level vocabulary. Not ok: it has letters that stand for no byte.
func rawBytes(token string) (text string, ok bool) {
	var b strings.Builder
	for _, r := range token {
		c, ok := byteOf[r]
		if !ok {
			return "", false
		}
		b.WriteByte(c)
	}
	return b.String(), true
}
