package consensus

import (
	"iter"
	"math"
	"time"
)

// Limits of secure networks.
const (
	SecureBlockTime = 10 * time.Second
	MaxBlockTime    = 24 * time.Hour
	MaxReward       = 1_000_000_000 // no sum of rewards passes 64 bits within 9 billion blocks

	secureVersion      = 2
	minTransactionRoom = 512 // bytes: the longest signed payment has 351

	// minAhead is how far ahead of the local clock a timestamp may be at least; else it is three block times. Two hours as on the
	// classic network would let a miner divide the difficulty of a short-paced network by 2^36.
	minAhead = 15 * time.Second
)

// secureGenesis is 2026-11-29T00:00:00Z. Targets are anchored at its time.
const secureGenesis = `{"index": 1, "previous_hash": "1", "proof": 100, "timestamp": 1795910400.0, "transactions": []}`

// Secure returns the rules of the built-in secure network.
func Secure() *Rules { return secure("secure", secureGenesis) }

// devGenesis endows wallet.DevelopmentNames. It lies years back, so the chain never catches up with its schedule and every target is
// the easiest: a block takes milliseconds.
const devGenesis = `{"index": 1, "previous_hash": "1", "proof": 100, "timestamp": 1626739200.0, "transactions": [` +
	`{"amount": 1000, "recipient": "12D3KooWPjrxd2vHyuSXgT6qFMgFpw6uKGqZcuA8yFptRDoVXo6K", "sender": "0"}` + `, ` +
	`{"amount": 1000, "recipient": "12D3KooWSGisZAZjMwoeM1HLCPSsDz2ES2jWgREkjgy5CLLRzTaU", "sender": "0"}` + `, ` +
	`{"amount": 1000, "recipient": "12D3KooWNnUiBd9zv8LtrAu2fZwhSkFWXFY7h2NifHGaMKTzi9yz", "sender": "0"}` + `, ` +
	`{"amount": 1000, "recipient": "12D3KooWEciTo6iVGDcUr1mnfiKTxCt1H38UEFBfkNC8EKd4qnpa", "sender": "0"}` + `, ` +
	`{"amount": 1000, "recipient": "12D3KooWGrFMwRVXdaMGFs2za8g3ucGsC7qXJP2S7uWZqCKGSx3x", "sender": "0"}` + `]}`

// Dev returns the rules of the built-in network for development. Everybody has the keys of its accounts: its money is worth nothing.
func Dev() *Rules { return secure("dev", devGenesis) }

func secure(name, genesisText string) *Rules {
	genesis, err := readGenesis([]byte(genesisText), ProfileSecure)
	if err != nil {
		panic("consensus: a built-in genesis is a constant, and valid: " + err.Error())
	}
	r := &Rules{
		Name:                 name,
		Profile:              ProfileSecure,
		Version:              secureVersion,
		Genesis:              genesis,
		First:                MaxTarget,
		Easiest:              MaxTarget,
		Reward:               "1",
		MaxBlockBytes:        ClassicBlockBytes,
		MaxBlockTransactions: ClassicBlockTransactions,
		MaxTransactionBytes:  ClassicTransactionBytes,
		MaxNameBytes:         AddressLength,
	}
	r.setBlockTime(SecureBlockTime)
	return r
}

// setBlockTime sets the block time, and what follows from it.
func (r *Rules) setBlockTime(d time.Duration) {
	r.BlockTime, r.MaxAhead = d, max(3*d, minAhead)
}

func (r *Rules) blockSeconds() int64 { return int64(r.BlockTime / time.Second) }

// TargetAfter returns the target that the proof of a child of parent meets.
func (r *Rules) TargetAfter(parent Header) Target {
	if !r.IsSecure() {
		return ZerosTarget(r.Zeros)
	}
	start := int64(math.Floor(r.Genesis.header.Timestamp))
	p := Pace{First: r.First, Easiest: r.Easiest, BlockTime: r.blockSeconds(), Start: start}
	return p.Next(parent.Index, parent.Timestamp)
}

// Endowments yields what the genesis block of a secure network gives to accounts.
func (r *Rules) Endowments() iter.Seq[Transfer] { return r.Genesis.Transfers() }
