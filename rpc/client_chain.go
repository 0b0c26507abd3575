package rpc

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// PaymentInfo is a transaction. The amount is spelled as on the chain; ID is empty where the transaction has none.
type PaymentInfo struct {
	Amount    json.Number `json:"amount"`
	ID        string      `json:"id,omitempty"`
	Recipient string      `json:"recipient"`
	Sender    string      `json:"sender"`
}

// BlockInfo is GET /blocks/{ref}.
type BlockInfo struct {
	Block struct {
		Index        int64         `json:"index"`
		PreviousHash string        `json:"previous_hash"`
		Proof        json.Number   `json:"proof"`
		Timestamp    json.Number   `json:"timestamp"`
		Transactions []PaymentInfo `json:"transactions"`
	} `json:"block"`
	Branch        string   `json:"branch"` // active or side
	Confirmations int64    `json:"confirmations"`
	From          string   `json:"from"` // empty for the node itself
	Hash          string   `json:"hash"`
	Received      *float64 `json:"received"` // unix seconds, nil where not known
}

// PlaceInfo names a block.
type PlaceInfo struct {
	Hash  string `json:"hash"`
	Index int64  `json:"index"`
}

// TransactionInfo is GET /transactions/{id}.
type TransactionInfo struct {
	Block         *PlaceInfo  `json:"block"` // nil unless mined
	Confirmations int64       `json:"confirmations"`
	Status        string      `json:"status"` // pending, mined or returned
	Transaction   PaymentInfo `json:"transaction"`
}

// PendingInfo is GET /transactions/pending: the first ones of Count.
type PendingInfo struct {
	Count        int           `json:"count"`
	Transactions []PaymentInfo `json:"transactions"`
}

// AddressInfo is GET /addresses/{address}: the newest entries of Count. The balance is a decimal number.
type AddressInfo struct {
	Address string             `json:"address"`
	Balance string             `json:"balance"`
	Count   int                `json:"count"`
	History []AddressEntryInfo `json:"history"`
	Next    *string            `json:"next"` // ?before= of the page of what is older, nil after the last
}

// AddressEntryInfo is a transaction in the history of an address.
type AddressEntryInfo struct {
	Block         PlaceInfo   `json:"block"`
	Confirmations int64       `json:"confirmations"`
	Position      int         `json:"position"` // in the block, from 0
	Transaction   PaymentInfo `json:"transaction"`
}

// Registered is what POST /nodes/register answers.
type Registered struct {
	Message string   `json:"message"`
	Nodes   []string `json:"total_nodes"`
}

// MinerInfo is GET /mining.
type MinerInfo struct {
	Blocks    uint64   `json:"blocks"`
	Callers   int      `json:"callers"`
	Cores     int      `json:"cores"`
	Expected  *float64 `json:"expected"` // mean seconds to a block, nil while the rate is unknown
	Mode      string   `json:"mode"`
	Rate      float64  `json:"rate"` // tries per second
	Searching bool     `json:"searching"`
	Share     int      `json:"share"` // percent
	Stale     uint64   `json:"stale"`
	Total     uint64   `json:"total"`
	Tries     uint64   `json:"tries"`
}

// MinerChange is POST /mining; what is nil stays.
type MinerChange struct {
	Mode  *string `json:"mode,omitempty"`
	Cores *int    `json:"cores,omitempty"`
	Share *int    `json:"share,omitempty"`
}

// MinedInfo is a block of POST /mine.
type MinedInfo struct {
	Hash         string `json:"hash"`
	Index        int64  `json:"index"`
	PreviousHash string `json:"previous_hash"`
	Proof        int64  `json:"proof"`
	Transactions int    `json:"transactions"` // with the reward
}

// Block asks for a block by index, hash or "latest".
func (c *Client) Block(ctx context.Context, ref string) (BlockInfo, error) {
	var v BlockInfo
	return v, c.read(ctx, "/blocks/"+segment(ref), &v)
}

// Transaction asks where a transaction is.
func (c *Client) Transaction(ctx context.Context, id string) (TransactionInfo, error) {
	var v TransactionInfo
	return v, c.read(ctx, "/transactions/"+segment(id), &v)
}

// Address asks what the chain says of an address, and for its newest transactions.
func (c *Client) Address(ctx context.Context, address string) (AddressInfo, error) {
	var v AddressInfo
	return v, c.read(ctx, "/addresses/"+segment(address), &v)
}

// segment writes text as one segment of a path: with no slashes, and never . or .., which proxies take for a way up.
func segment(text string) string { return strings.ReplaceAll(url.PathEscape(text), ".", "%2E") }

// Pending asks for the first thousand pending payments.
func (c *Client) Pending(ctx context.Context) (PendingInfo, error) {
	var v PendingInfo
	return v, c.read(ctx, "/transactions/pending?limit=1000", &v)
}

// Register registers a node: a URL, host:port or multiaddr.
func (c *Client) Register(ctx context.Context, node string) (Registered, error) {
	var v Registered
	return v, c.post(ctx, "/nodes/register", map[string][]string{"nodes": {node}}, &v)
}

// Pay sends a payment and returns what the node says of it. It is on the node's disk then.
func (c *Client) Pay(ctx context.Context, p PaymentInfo) (string, error) {
	var v struct{ Message string }
	err := c.post(ctx, "/transactions/new", p, &v)
	return v.Message, err
}

// Mining asks what the miner is at.
func (c *Client) Mining(ctx context.Context) (MinerInfo, error) {
	var v MinerInfo
	return v, c.read(ctx, "/mining", &v)
}

// SetMining changes the miner's mode and cores, and returns what it is at then.
func (c *Client) SetMining(ctx context.Context, change MinerChange) (MinerInfo, error) {
	var v MinerInfo
	return v, c.post(ctx, "/mining", change, &v)
}

// Mine asks for one block. It takes as long as the search does; the end of ctx ends the search.
func (c *Client) Mine(ctx context.Context) (MinedInfo, error) {
	var v struct{ Blocks []MinedInfo }
	if err := c.post(ctx, "/mine", map[string]int{"blocks": 1}, &v); err != nil {
		return MinedInfo{}, err
	}
	if len(v.Blocks) != 1 {
		return MinedInfo{}, fmt.Errorf("%s/mine answered with %d blocks, asked for one: is it a kuai node?", c.base, len(v.Blocks))
	}
	return v.Blocks[0], nil
}

// post sends v as JSON and decodes the answer.
func (c *Client) post(ctx context.Context, path string, v, into any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("a value that is no JSON: %w", err)
	}
	text, err := c.Do(ctx, http.MethodPost, path, body)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s%s is no kuai node: %w", c.base, path, err)
	}
	return nil
}
