package load

import "time"

// queue holds items in the order of their times. What is added is nearly always the latest, so that adding walks from
// the end and costs nothing; nothing is allocated.
type queue[T any] struct{ first, last *node[T] }

// node is an item's place in a queue; it is a part of the item. An item is in one queue at most.
type node[T any] struct {
	at           time.Duration
	item         *T
	before, next *node[T]
}

// add puts an item behind all that are not later.
func (q *queue[T]) add(n *node[T], item *T, at time.Duration) {
	n.at, n.item = at, item
	n.before = q.last
	for n.before != nil && n.before.at > at {
		n.before = n.before.before
	}
	if n.before == nil {
		n.next, q.first = q.first, n
	} else {
		n.next, n.before.next = n.before.next, n
	}
	if n.next == nil {
		q.last = n
	} else {
		n.next.before = n
	}
}

// remove takes an item out.
func (q *queue[T]) remove(n *node[T]) {
	if n.before == nil {
		q.first = n.next
	} else {
		n.before.next = n.next
	}
	if n.next == nil {
		q.last = n.before
	} else {
		n.next.before = n.before
	}
	*n = node[T]{}
}

// head is the earliest item, nil when there is none.
func (q *queue[T]) head() *T {
	if q.first == nil {
		return nil
	}
	return q.first.item
}

// when is the time of the earliest item, Never when there is none.
func (q *queue[T]) when() time.Duration {
	if q.first == nil {
		return Never
	}
	return q.first.at
}
