package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"kuai/rpc/api"
	"kuai/test/process"
)

// client is what curl is to a user. A mined block or a resolve may take its time.
var client = &http.Client{Timeout: 60 * time.Second}

// ask sends a request and decodes a JSON answer with the wanted status.
func (d *daemon) ask(method, path string, body []byte, status int, answer any) error {
	req, err := http.NewRequest(method, d.url()+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != status {
		return fmt.Errorf("%s %s: status %d, want %d: %s", method, path, resp.StatusCode, status, text)
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("%s %s: %w: %s", method, path, err, text)
	}
	return nil
}

func (d *daemon) get(path string, answer any) {
	d.t.Helper()
	if err := d.ask("GET", path, nil, 200, answer); err != nil {
		d.t.Fatal(err)
	}
}

func (d *daemon) node() (n api.Node) {
	d.t.Helper()
	d.get("/node", &n)
	return n
}

// mine forges one block.
func (d *daemon) mine() (b api.Forged) {
	d.t.Helper()
	d.get("/mine", &b)
	return b
}

// mineMany forges n blocks.
func (d *daemon) mineMany(n int) {
	d.t.Helper()
	for range n {
		d.mine()
	}
}

// chain returns the whole chain.
func (d *daemon) chain() []api.Block {
	d.t.Helper()
	var answer api.Chain
	d.get("/chain", &answer)
	return answer.Chain
}

// pending returns the ids of the pending payments.
func (d *daemon) pending() []string {
	d.t.Helper()
	var answer api.Pending
	d.get("/transactions/pending", &answer)
	var ids []string
	for _, tx := range answer.Transactions {
		ids = append(ids, tx.ID)
	}
	return ids
}

// pay posts a payment under an id of its own and returns the id.
func (d *daemon) pay(n int) string {
	d.t.Helper()
	id := paymentID(n)
	if err := d.tryPay(id); err != nil {
		d.t.Fatal(err)
	}
	return id
}

func paymentID(n int) string { return fmt.Sprintf("%032x", n) }

func (d *daemon) tryPay(id string) error {
	var answer api.Message
	return d.ask("POST", "/transactions/new", d.network.payment(id), 201, &answer)
}

// register adds a node by URL or multiaddr.
func (d *daemon) register(node string) {
	d.t.Helper()
	var answer api.Registered
	if err := d.ask("POST", "/nodes/register", mustJSON(d.t, api.Register{Nodes: []string{node}}), 201, &answer); err != nil {
		d.t.Fatal(err)
	}
	if len(answer.Nodes) == 0 {
		d.t.Fatalf("registered %s, and there are no nodes", node)
	}
}

// transaction says where a payment is: "pending", "mined", "returned", or "" where it is not known.
func (d *daemon) transaction(id string) string {
	var answer api.TransactionInfo
	if err := d.ask("GET", "/transactions/"+id, nil, 200, &answer); err != nil {
		return ""
	}
	return answer.Status
}

// agreed waits until all nodes have the same tip, and returns it.
func agreed(t testing.TB, nodes ...*daemon) api.Node {
	t.Helper()
	var first api.Node
	process.Eventually(t, "one tip", settle, func() error {
		first = nodes[0].node()
		for _, d := range nodes[1:] {
			if n := d.node(); n.Tip != first.Tip {
				return fmt.Errorf("block %d on port %d, block %d on port %d", first.Height, nodes[0].port, n.Height, d.port)
			}
		}
		return nil
	})
	return first
}

// everywhere waits until all nodes say one of the statuses of a payment.
func everywhere(t testing.TB, id string, nodes []*daemon, statuses ...string) {
	t.Helper()
	process.Eventually(t, fmt.Sprintf("payment %s is %v on all nodes", id, statuses), settle, func() error {
		for _, d := range nodes {
			if got := d.transaction(id); !slices.Contains(statuses, got) {
				return fmt.Errorf("it is %q on port %d", got, d.port)
			}
		}
		return nil
	})
}
