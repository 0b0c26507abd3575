package gossip

import (
	"errors"
	"fmt"
	"testing"

	pubsub "github.com/libp2p/go-libp2p-pubsub"

	"kuai/chain"
	"kuai/chain/consensus"
)

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want pubsub.ValidationResult
	}{
		{"valid", nil, pubsub.ValidationAccept},
		{"invalid", &consensus.InvalidError{Rule: "proof"}, pubsub.ValidationReject},
		{"invalid, wrapped", fmt.Errorf("add: %w", &consensus.InvalidError{Rule: "proof"}), pubsub.ValidationReject},
		{"known", chain.ErrKnown, pubsub.ValidationIgnore},
		{"orphan", chain.ErrOrphan, pubsub.ValidationIgnore},
		{"ahead of our clock", consensus.ErrFuture, pubsub.ValidationIgnore},
		{"pool full", chain.ErrPoolFull, pubsub.ValidationIgnore},
		{"a sender with too little", chain.ErrFunds, pubsub.ValidationIgnore},
		{"our disk", errors.New("no space left"), pubsub.ValidationIgnore},
		{"our data", chain.ErrDamaged, pubsub.ValidationIgnore},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := verdict(c.err); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
