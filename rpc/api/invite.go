package api

// Invite is an invitation to the node's network.
type Invite struct {
	Addresses []string `json:"addresses" description:"Where the code says that nodes are, host:port."`
	Code      string   `json:"code" example:"0G42-1084-2100-0000"`
	Command   string   `json:"command" description:"Starts a node of the network on another machine."`
	Lab       bool     `json:"lab" description:"A lab node that joins with the code agrees that its teacher's node puts it on a side of the network."`
	Name      string   `json:"name" description:"Of the network."`
	Network   string   `json:"network" description:"Its id."`
	Private   bool     `json:"private" description:"Only who has the code can join. If false, others may be in the network without it."`
	QR        QR       `json:"qr"`
}

// QR is the command as a QR code.
type QR struct {
	Path string `json:"path" description:"The dark modules, as d of a path in an SVG image with viewBox \"0 0 size size\". \"\" if the command is too long."`
	Size int    `json:"size" minimum:"0" description:"Modules in a row, with the white edge."`
}
