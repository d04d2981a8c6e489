package token

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// magic begins a GGUF file. Its format: github.com/ggml-org/ggml, docs/gguf.md.
const magic = "GGUF"

// Bounds of what is read of a GGUF file, whose weights follow its metadata and are never read.
const (
	metadataLimit = 256 << 20 // bytes
	keysLimit     = 1 << 16
	elementsLimit = 8 << 20 // of an array
	textLimit     = 1 << 20 // bytes of a token, or of a merge
	keptLimit     = 128 << 20
)

// Types of values in the metadata.
const (
	ggufUint8 = iota
	ggufInt8
	ggufUint16
	ggufInt16
	ggufUint32
	ggufInt32
	ggufFloat32
	ggufBool
	ggufString
	ggufArray
	ggufUint64
	ggufInt64
	ggufFloat64
)

// widths are the bytes of a value of each type; 0: they differ.
var widths = [...]int64{1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8}

// metadata are the values of a GGUF file that begin with tokenizer.ggml., by what follows that: a string, a bool, a float64 of
// any number, or an array of strings or float32.
type metadata map[string]any

// ggufReader reads metadata. The first error stays, and all that follows reads nothing.
type ggufReader struct {
	r    *bufio.Reader
	at   int64
	kept int
	err  error
	buf  []byte // of what was read last
}

func (g *ggufReader) fail(format string, args ...any) {
	if g.err == nil {
		g.err = fmt.Errorf("byte %d: %w", g.at, fmt.Errorf(format, args...))
	}
}

// bytes reads so many, good until the next are read; after an error they are zeros, and at most eight.
func (g *ggufReader) bytes(n int64) []byte {
	if g.err == nil && g.at+n > metadataLimit {
		g.fail("the metadata are longer than %d MiB", metadataLimit>>20)
	}
	if g.err != nil {
		return make([]byte, min(n, 8))
	}
	if int64(cap(g.buf)) < n {
		g.buf = make([]byte, n)
	}
	b := g.buf[:n]
	read, err := io.ReadFull(g.r, b)
	g.at += int64(read)
	if err != nil {
		g.fail("the file ends in the middle of its metadata")
		clear(b)
	}
	return b
}

func (g *ggufReader) uint32() uint32 { return binary.LittleEndian.Uint32(g.bytes(4)) }
func (g *ggufReader) uint64() uint64 { return binary.LittleEndian.Uint64(g.bytes(8)) }

// text reads a string of up to so many bytes.
func (g *ggufReader) text(limit uint64) string {
	n := g.uint64()
	if g.err == nil && n > limit {
		g.fail("a string of %d bytes: want %d at most", n, limit)
	}
	if g.err != nil {
		return ""
	}
	return string(g.bytes(int64(n)))
}

// skip goes over so many bytes.
func (g *ggufReader) skip(n uint64) {
	if g.err == nil && n > uint64(metadataLimit-g.at) {
		g.fail("the metadata are longer than %d MiB", metadataLimit>>20)
	}
	if g.err != nil {
		return
	}
	skipped, err := io.CopyN(io.Discard, g.r, int64(n))
	g.at += skipped
	if err != nil {
		g.fail("the file ends in the middle of its metadata")
	}
}

// readMetadata reads the metadata after the magic.
func readMetadata(r io.Reader) (metadata, error) {
	g := &ggufReader{r: bufio.NewReaderSize(r, 1<<16)}
	g.skip(uint64(len(magic)))
	if v := g.uint32(); g.err == nil && v != 2 && v != 3 {
		return nil, fmt.Errorf("a GGUF file of version %d: versions 2 and 3, little endian, are read", v)
	}
	g.skip(8) // the number of tensors
	keys := g.uint64()
	if g.err == nil && keys > keysLimit {
		g.fail("%d keys: want %d at most", keys, keysLimit)
	}
	all := metadata{}
	for ; keys > 0 && g.err == nil; keys-- {
		g.pair(all)
	}
	return all, g.err
}

const ggufPrefix = "tokenizer.ggml."

// pair reads a key and its value, and keeps that of a tokenizer.
func (g *ggufReader) pair(into metadata) {
	key := g.text(1 << 16)
	kind := g.uint32()
	if len(key) <= len(ggufPrefix) || key[:len(ggufPrefix)] != ggufPrefix {
		g.pass(kind, 0)
		return
	}
	if v := g.value(kind); v != nil {
		into[key[len(ggufPrefix):]] = v
	}
}

// value reads a value; nil: it is of no use to a tokenizer.
func (g *ggufReader) value(kind uint32) any {
	switch kind {
	case ggufString:
		return g.text(textLimit)
	case ggufBool:
		return g.bytes(1)[0] != 0
	case ggufArray:
		return g.array()
	}
	if kind >= uint32(len(widths)) {
		g.fail("a value of the unknown type %d", kind)
		return nil
	}
	return number(kind, g.bytes(widths[kind]))
}

// number is a number of any type.
func number(kind uint32, b []byte) float64 {
	switch kind {
	case ggufUint8:
		return float64(b[0])
	case ggufInt8:
		return float64(int8(b[0]))
	case ggufUint16:
		return float64(binary.LittleEndian.Uint16(b))
	case ggufInt16:
		return float64(int16(binary.LittleEndian.Uint16(b)))
	case ggufUint32:
		return float64(binary.LittleEndian.Uint32(b))
	case ggufInt32:
		return float64(int32(binary.LittleEndian.Uint32(b)))
	case ggufFloat32:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
	case ggufUint64:
		return float64(binary.LittleEndian.Uint64(b))
	case ggufInt64:
		return float64(int64(binary.LittleEndian.Uint64(b)))
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b))
}

// array reads an array of strings or numbers.
func (g *ggufReader) array() any {
	kind, n := g.uint32(), g.uint64()
	if g.err == nil && n > elementsLimit {
		g.fail("an array of %d elements: want %d at most", n, elementsLimit)
	}
	if g.err != nil {
		return nil
	}
	switch {
	case kind == ggufString:
		var all []string
		for ; n > 0 && g.err == nil; n-- {
			s := g.text(textLimit)
			if g.kept += len(s) + 16; g.kept > keptLimit {
				g.fail("tokens and merges of more than %d MiB", keptLimit>>20)
			}
			all = append(all, s)
		}
		return all
	case kind == ggufFloat32 || kind == ggufInt32 || kind == ggufUint32:
		var all []float32
		for n > 0 && g.err == nil {
			part := min(n, 4096)
			for b := g.bytes(int64(part) * 4); len(b) >= 4 && g.err == nil; b = b[4:] {
				all = append(all, float32(number(kind, b[:4])))
			}
			n -= part
		}
		return all
	}
	g.passAll(kind, n, 0)
	return nil
}

// pass goes over a value.
func (g *ggufReader) pass(kind uint32, depth int) {
	switch {
	case g.err != nil:
	case kind == ggufString:
		g.skip(g.uint64())
	case kind == ggufArray:
		kind, n := g.uint32(), g.uint64()
		g.passAll(kind, n, depth)
	case kind < uint32(len(widths)):
		g.skip(uint64(widths[kind]))
	default:
		g.fail("a value of the unknown type %d", kind)
	}
}

// passAll goes over the elements of an array.
func (g *ggufReader) passAll(kind uint32, n uint64, depth int) {
	switch {
	case g.err != nil:
	case depth > 8:
		g.fail("arrays in arrays in arrays")
	case kind < uint32(len(widths)) && widths[kind] > 0:
		if n > metadataLimit {
			n = metadataLimit // too long in any case
		}
		g.skip(n * uint64(widths[kind]))
	default:
		for ; n > 0 && g.err == nil; n-- {
			g.pass(kind, depth+1)
		}
	}
}

var errNoVocabulary = errors.New("no vocabulary in its metadata (tokenizer.ggml.tokens)")
