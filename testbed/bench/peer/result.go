package peer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"hpcbench/testbed/bench/truth"
)

// read reads a file of JSON into v, as Python writes it: with numbers that JSON does not have.
func read(file string, v any) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for _, none := range []string{"Infinity", "-Infinity", "NaN"} {
		text = bytes.ReplaceAll(text, []byte(": "+none), []byte(": null"))
	}
	return json.Unmarshal(text, v)
}

// each hands every value of a file of JSON lines to take.
func each[T any](file string, take func(T)) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	for d := json.NewDecoder(bufio.NewReaderSize(f, 1<<20)); ; {
		var v T
		switch err := d.Decode(&v); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("%s: %w", file, err)
		}
		take(v)
	}
}

// scaled is *v times unit; nil stays nil.
func scaled(v *float64, unit float64) *float64 {
	if v == nil {
		return nil
	}
	s := *v * unit
	return &s
}

const ms = 1e-3

func vllmResult(l Load) (Result, error) {
	var d struct {
		TTFTs, Latencies []float64
		ITLs             [][]float64
		Errors           []string
		Rate             float64 `json:"request_throughput"`
	}
	if err := read(filepath.Join(l.Dir, "result.json"), &d); err != nil {
		return Result{}, err
	}
	r := Result{Rate: d.Rate}
	for i := range d.TTFTs {
		if d.Errors[i] == "" {
			r.Requests = append(r.Requests, truth.Measured{ID: fmt.Sprint("vllm-", i), TTFT: &d.TTFTs[i], E2EL: &d.Latencies[i], Gaps: between(d.ITLs[i])})
		}
	}
	return r, nil
}

// between leaves out the gaps from the chunk with the role to the first token, and from the last token to the chunk with the
// finish reason: vllm bench serve counts these chunks as tokens.
func between(gaps []float64) []float64 {
	if len(gaps) < 2 {
		return nil
	}
	return gaps[1 : len(gaps)-1]
}

// aiperfLine is a line of AIPerf's profile_export.jsonl; figures are in ms.
type aiperfLine struct {
	Metadata struct {
		ID    string `json:"x_request_id"`
		Phase string `json:"benchmark_phase"`
	}
	Metrics struct {
		TTFT value     `json:"time_to_first_token"`
		E2EL value     `json:"request_latency"`
		Gaps valueList `json:"inter_chunk_latency"`
	}
	Error any
}

type (
	value struct{ Value *float64 }

	valueList struct{ Value []float64 }
)

func aiperfResult(l Load) (Result, error) {
	var r Result
	err := each(filepath.Join(l.Dir, "artifacts/profile_export.jsonl"), func(a aiperfLine) {
		if a.Error != nil || a.Metadata.Phase != "profiling" {
			return
		}
		m := truth.Measured{ID: a.Metadata.ID, TTFT: scaled(a.Metrics.TTFT.Value, ms), E2EL: scaled(a.Metrics.E2EL.Value, ms)}
		for _, gap := range a.Metrics.Gaps.Value {
			m.Gaps = append(m.Gaps, gap*ms)
		}
		r.Requests = append(r.Requests, m)
	})
	if err != nil {
		return r, err
	}
	var d struct {
		Rate struct{ Avg float64 } `json:"request_throughput"`
	}
	err = read(filepath.Join(l.Dir, "artifacts/profile_export_aiperf.json"), &d)
	r.Rate = d.Rate.Avg
	return r, err
}

func guidellmResult(l Load) (Result, error) {
	type request struct {
		Response string   `json:"response_id"`
		TTFT     *float64 `json:"time_to_first_token_ms"`
		Latency  *float64 `json:"request_latency"`
		ITL      *float64 `json:"inter_token_latency_ms"`
	}
	var d struct {
		Benchmarks []struct {
			Requests struct{ Successful []request }
			Metrics  struct {
				Rate struct{ Successful struct{ Mean float64 } } `json:"requests_per_second"`
			}
		}
	}
	if err := read(filepath.Join(l.Dir, "report.json"), &d); err != nil {
		return Result{}, err
	}
	if len(d.Benchmarks) != 1 {
		return Result{}, fmt.Errorf("report.json has %d benchmarks", len(d.Benchmarks))
	}
	b := d.Benchmarks[0]
	r := Result{Rate: b.Metrics.Rate.Successful.Mean}
	for _, q := range b.Requests.Successful {
		number, err := strconv.ParseInt(q.Response[strings.LastIndexByte(q.Response, '-')+1:], 10, 64)
		if err != nil {
			return r, fmt.Errorf("an answer's id is %q", q.Response)
		}
		r.Requests = append(r.Requests, truth.Measured{Number: number, TTFT: scaled(q.TTFT, ms), E2EL: q.Latency, TPOT: scaled(q.ITL, ms)})
	}
	return r, nil
}
