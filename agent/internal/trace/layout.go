package trace

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// lineLimit bounds a line of JSON, and a row of CSV with all lines that its quotes hold together, in bytes: Mooncake's name the blocks of a prompt, some hundreds of them.
const lineLimit = 1 << 20

// read takes the layout from the first byte that is no blank.
func (b *builder) read(r io.Reader) error {
	lines := bufio.NewReaderSize(r, lineLimit)
	skipped := 0 // empty lines
	for {
		c, err := lines.ReadByte()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case c == '\n':
			skipped++
		case c == ' ', c == '\t', c == '\r', c == 0xEF, c == 0xBB, c == 0xBF: // the last three: a byte order mark
		default:
			if err := lines.UnreadByte(); err != nil {
				return err
			}
			if c == '{' {
				return b.readJSON(lines, skipped)
			}
			return b.readCSV(lines, skipped)
		}
	}
}

// request is a line of either JSON layout.
type request struct {
	Timestamp    *float64 `json:"timestamp"`
	InputLength  *float64 `json:"input_length"` // Mooncake; its times are ms
	OutputLength *float64 `json:"output_length"`
	InputTokens  *float64 `json:"input_tokens"` // ours; its times are seconds
	OutputTokens *float64 `json:"output_tokens"`
}

func (b *builder) readJSON(lines *bufio.Reader, number int) error {
	for {
		text, err := lines.ReadSlice('\n')
		number++
		if errors.Is(err, bufio.ErrBufferFull) {
			return faulty(number, "a line of more than %d MiB", lineLimit>>20)
		}
		if len(bytes.TrimSpace(text)) > 0 {
			if err := b.addJSON(number, text); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return faulty(number, "%v", err)
		}
	}
}

func (b *builder) addJSON(line int, text []byte) error {
	var r request
	if err := json.Unmarshal(text, &r); err != nil {
		return faulty(line, "not JSON of a request: %v", err)
	}
	switch {
	case r.Timestamp == nil:
		return faulty(line, `no "timestamp"`)
	case r.InputLength != nil && r.OutputLength != nil:
		return b.add(line, *r.Timestamp/1e3, *r.InputLength, *r.OutputLength)
	case r.InputTokens != nil && r.OutputTokens != nil:
		return b.add(line, *r.Timestamp, *r.InputTokens, *r.OutputTokens)
	}
	return faulty(line, `want "input_length" and "output_length" (and a timestamp in ms), or "input_tokens" and "output_tokens" (in s)`)
}

// columns are those of BurstGPT that matter, by the name in its first line.
var columns = []string{"Timestamp", "Request tokens", "Response tokens"}

func (b *builder) readCSV(text io.Reader, skipped int) error {
	whole := &bounded{r: text}
	rows := csv.NewReader(whole)
	rows.ReuseRecord, rows.TrimLeadingSpace = true, true
	head, err := rows.Read()
	if err != nil {
		return whole.wrong(err, 0, skipped)
	}
	places, err := find(head, skipped+1)
	if err != nil {
		return err
	}
	for line := 1; ; {
		row, err := rows.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return whole.wrong(err, line, skipped)
		}
		line, _ = rows.FieldPos(0)
		whole.row = rows.InputOffset()
		var values [3]float64
		for k, place := range places {
			if values[k], err = strconv.ParseFloat(strings.TrimSpace(row[place]), 64); err != nil {
				return faulty(line+skipped, "%s: %q is no number", columns[k], row[place])
			}
		}
		if err := b.add(line+skipped, values[0], values[1], values[2]); err != nil {
			return err
		}
	}
}

// find tells where the columns stand.
func find(head []string, line int) (places [3]int, err error) {
	for k, name := range columns {
		places[k] = slices.IndexFunc(head, func(s string) bool { return strings.EqualFold(strings.TrimSpace(s), name) })
		if places[k] < 0 {
			return places, faulty(line, "no column %q, as a trace in CSV has it (%s); JSON lines begin with {", name, strings.Join(columns, ", "))
		}
	}
	return places, nil
}

// bounded gives encoding/csv, which keeps a row until it is whole, no more of one than lineLimit and what its buffer holds.
type bounded struct {
	r     io.Reader
	row   int64 // where the last one ended
	given int64
	err   error
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.given-b.row > lineLimit {
		b.err = fmt.Errorf("a row of more than %d MiB (is a quote left open?)", lineLimit>>20)
		return 0, b.err
	}
	n, err := b.r.Read(p)
	if b.given += int64(n); err != io.EOF {
		b.err = err
	}
	return n, err
}

// wrong says what encoding/csv found, with the line of the file. What could not be read comes after the last row, which began
// at a line; where a quote is open there, encoding/csv knows no more of it than that.
func (b *bounded) wrong(err error, last, skipped int) error {
	var parse *csv.ParseError
	switch {
	case b.err != nil:
		return faulty(last+1+skipped, "%v", b.err)
	case errors.As(err, &parse):
		return faulty(parse.Line+skipped, "%v", parse.Err)
	}
	return faulty(last+1+skipped, "%v", err)
}
