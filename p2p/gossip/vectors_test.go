package gossip

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	pb "github.com/libp2p/go-libp2p-pubsub/pb"

	"kuai/chain/consensus"
	"kuai/p2p/wire"
)

// TestVectors holds docs/vectors.json, which CPython made, against the code.
func TestVectors(t *testing.T) {
	text, err := os.ReadFile("../../docs/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors struct {
		Canonical struct{ Text, Hash string }
		Proofs    []struct {
			Text, Sha256 string
			Valid        bool
		}
		Messages []struct{ Topic, Data, ID string }
		Frames   []struct{ Payload, Frame string }
		Invalid  []struct{ Why, Data string } `json:"invalid_blocks"`
	}
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors.Proofs) < 3 || len(vectors.Messages) < 2 || len(vectors.Frames) < 3 || len(vectors.Invalid) < 8 {
		t.Fatalf("vectors are missing: %d proofs, %d messages, %d frames, %d invalid blocks", len(vectors.Proofs), len(vectors.Messages), len(vectors.Frames), len(vectors.Invalid))
	}
	rules := consensus.Classic()
	genesis := rules.Genesis.Header()
	check := func(data string) error {
		block, err := rules.ParseBlock([]byte(data))
		if err != nil {
			return err
		}
		return rules.CheckLink(genesis, block)
	}
	if err := check(vectors.Canonical.Text); err != nil {
		t.Error(err)
	} else if block, _ := rules.ParseBlock([]byte(vectors.Canonical.Text)); block.Hash().String() != vectors.Canonical.Hash {
		t.Errorf("hash %s, not %s", block.Hash(), vectors.Canonical.Hash)
	}
	for _, v := range vectors.Invalid {
		if check(v.Data) == nil {
			t.Errorf("%s: valid", v.Why)
		}
	}
	valid := 0
	for _, v := range vectors.Proofs {
		raw, err := hex.DecodeString(v.Sha256)
		sum := consensus.Hash(sha256.Sum256([]byte(v.Text)))
		if err != nil || !bytes.Equal(raw, sum[:]) || sum.HasZeros(rules.Zeros) != v.Valid {
			t.Errorf("proof %q: %s, valid %v", v.Text, v.Sha256, v.Valid)
		}
		if v.Valid {
			valid++
		}
	}
	if valid == 0 || valid == len(vectors.Proofs) {
		t.Errorf("%d of %d proofs are valid", valid, len(vectors.Proofs))
	}
	for i, v := range vectors.Messages {
		if want := []string{BlockTopic(rules.Network()), TxTopic(rules.Network())}[i%2]; v.Topic != want {
			t.Errorf("topic %s, not %s", v.Topic, want)
		}
		if id := messageID(&pb.Message{Topic: &v.Topic, Data: []byte(v.Data)}); hex.EncodeToString([]byte(id)) != v.ID {
			t.Errorf("message id %x, not %s", id, v.ID)
		}
	}
	for _, v := range vectors.Frames {
		payload, err := hex.DecodeString(v.Payload)
		if frame := hex.EncodeToString(wire.AppendFrame(nil, payload)); err != nil || frame != v.Frame {
			t.Errorf("frame %s, not %s (%v)", frame, v.Frame, err)
		}
	}
}
