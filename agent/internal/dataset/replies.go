package dataset

import (
	"runtime"
	"sync"
)

// replies counts the tokens of recorded replies beside the reading, on all cores: a file has millions of them.
type replies struct {
	todo chan reply
	wg   sync.WaitGroup

	mu   sync.Mutex
	done []length
}

// reply is the recorded reply to a prompt, length its tokens.
type reply struct {
	prompt int
	text   string
}

type length struct {
	prompt int
	tokens int32
}

func countReplies(count func(string) (int, error)) *replies {
	r := &replies{todo: make(chan reply, 256)}
	for range runtime.GOMAXPROCS(0) {
		r.wg.Go(func() {
			for one := range r.todo {
				n, err := count(one.text)
				if err != nil || n < 1 {
					continue // the workload says how long
				}
				r.mu.Lock()
				r.done = append(r.done, length{one.prompt, int32(n)})
				r.mu.Unlock()
			}
		})
	}
	return r
}

// put counts the reply to a prompt, sooner or later.
func (r *replies) put(prompt int, text string) {
	if r != nil {
		r.todo <- reply{prompt, text}
	}
}

// end waits for all counts and writes them where prompts have their lengths.
func (r *replies) end(tokens []int32) {
	if r == nil {
		return
	}
	close(r.todo)
	r.wg.Wait()
	for _, l := range r.done {
		tokens[l.prompt] = l.tokens
	}
}
