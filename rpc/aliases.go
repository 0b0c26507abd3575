package rpc

import "kuai/rpc/api"

// Names that the command line's verbs still use for types of package api.
type (
	NodeInfo        = api.Node
	MiningInfo      = api.NodeMining
	SyncingInfo     = api.NodeSync
	PeersInfo       = api.Peers
	RegisteredNode  = api.RegisteredNode
	PeerInfo        = api.Peer
	PaymentInfo     = api.Payment
	BlockInfo       = api.BlockInfo
	TransactionInfo = api.TransactionInfo
	PendingInfo     = api.Pending
	AddressInfo     = api.Account
	MinerInfo       = api.Miner
	MinerChange     = api.MinerChange
	MinedInfo       = api.MinedBlock
)
