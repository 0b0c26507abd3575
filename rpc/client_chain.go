package rpc

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"kuai/rpc/api"
)

// Block asks for a block by index, hash or "latest".
func (c *Client) Block(ctx context.Context, ref string) (api.BlockInfo, error) {
	var v api.BlockInfo
	return v, c.read(ctx, api.Path("getBlock", ref), &v)
}

// Transaction asks where a transaction is.
func (c *Client) Transaction(ctx context.Context, id string) (api.TransactionInfo, error) {
	var v api.TransactionInfo
	return v, c.read(ctx, api.Path("getTransaction", id), &v)
}

// Address asks what the chain says of an address, and for its newest transactions.
func (c *Client) Address(ctx context.Context, address string) (api.Account, error) {
	var v api.Account
	return v, c.read(ctx, api.Path("getAddress", address), &v)
}

// Pending asks for the first thousand pending payments.
func (c *Client) Pending(ctx context.Context) (api.Pending, error) {
	var v api.Pending
	return v, c.read(ctx, api.Path("getPending")+firstThousand, &v)
}

// Register registers a node: a URL, host:port or multiaddr.
func (c *Client) Register(ctx context.Context, node string) (api.Registered, error) {
	var v api.Registered
	return v, c.post(ctx, api.Path("registerNodes"), api.Register{Nodes: []string{node}}, &v)
}

// Pay sends a payment and returns what the node says of it. It is on the node's disk then.
func (c *Client) Pay(ctx context.Context, p api.Payment) (string, error) {
	var v api.Message
	err := c.post(ctx, api.Path("newTransaction"), p, &v)
	return v.Message, err
}

// Unlock lets the node sign with a key for some time.
func (c *Client) Unlock(ctx context.Context, u api.Unlock) (api.UnlockedWallet, error) {
	var v api.UnlockedWallet
	return v, c.post(ctx, api.Path("unlockWallet"), u, &v)
}

// Unlocked asks whose payments the node signs.
func (c *Client) Unlocked(ctx context.Context) (api.UnlockedWallets, error) {
	var v api.UnlockedWallets
	return v, c.read(ctx, api.Path("getWallets"), &v)
}

// Lock lets the node forget a key.
func (c *Client) Lock(ctx context.Context, address string) error {
	_, err := c.Do(ctx, http.MethodDelete, api.Path("lockWallet", address), nil)
	return err
}

// Mining asks what the miner is at.
func (c *Client) Mining(ctx context.Context) (api.Miner, error) {
	var v api.Miner
	return v, c.read(ctx, api.Path("getMining"), &v)
}

// SetMining changes the miner's mode and cores, and returns what it is at then.
func (c *Client) SetMining(ctx context.Context, change api.MinerChange) (api.Miner, error) {
	var v api.Miner
	return v, c.post(ctx, api.Path("setMining"), change, &v)
}

// Mine asks for one block. It takes as long as the search does; the end of ctx ends the search.
func (c *Client) Mine(ctx context.Context) (api.MinedBlock, error) {
	var v api.MinedBlocks
	if err := c.post(ctx, api.Path("mineBlocks"), api.Mine{Blocks: 1}, &v); err != nil {
		return api.MinedBlock{}, err
	}
	if len(v.Blocks) != 1 {
		return api.MinedBlock{}, fmt.Errorf("%s/mine answered with %d blocks, asked for one: is it a kuai node?", c.base, len(v.Blocks))
	}
	return v.Blocks[0], nil
}

func (c *Client) post(ctx context.Context, path string, v, into any) error {
	return c.send(ctx, http.MethodPost, path, v, into)
}

// send sends v as JSON and decodes the answer.
func (c *Client) send(ctx context.Context, method, path string, v, into any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("a value that is not JSON: %w", err)
	}
	text, err := c.Do(ctx, method, path, body)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s%s is not a kuai node: %w", c.base, path, err)
	}
	return nil
}

// AddBlocks sends blocks, as JSON lines, and returns what became of them.
func (c *Client) AddBlocks(ctx context.Context, lines []byte) (api.AddedBlocks, error) {
	var v api.AddedBlocks
	text, err := c.Do(ctx, http.MethodPost, api.Path("addBlocks"), lines)
	if err == nil {
		err = json.Unmarshal(text, &v)
	}
	return v, err
}

// Forks asks for the longest thousand of the side branches.
func (c *Client) Forks(ctx context.Context) (api.Forks, error) {
	var v api.Forks
	return v, c.read(ctx, api.Path("getForks")+firstThousand, &v)
}

// Disconnect closes the connections with a peer, or forgets a registered node.
func (c *Client) Disconnect(ctx context.Context, name string) error {
	_, err := c.Do(ctx, http.MethodDelete, api.Path("disconnectPeer", name), nil)
	return err
}
