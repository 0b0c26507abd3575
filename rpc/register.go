package rpc

import (
	"errors"
	"fmt"
	"net/http"

	"kuai/chain/canonical"
	"kuai/rpc/api"
)

// maxRegister is how many nodes one request registers.
const maxRegister = 64

// RefusedNode is what Network.Register returns about an address that it does not take.
type RefusedNode struct {
	Entry   int    // of the list, from 1
	Address string // "" if its form is wrong
	Err     error
}

func (e *RefusedNode) Error() string { return e.Err.Error() }

// ErrTooManyNodes is wrapped by Network.Register if more nodes would be registered than the network keeps.
var ErrTooManyNodes = errors.New("too many registered nodes")

// register is POST /nodes/register: all of the list, or nothing.
func (s *Server) register(w http.ResponseWriter, r *http.Request) {
	list, err := readNodes(w, r)
	if err == nil {
		err = registerProblem(s.network.Register(r.Context(), list), len(list))
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	all := []string{}
	for _, n := range s.network.Registered() {
		all = append(all, n.Address)
	}
	answer(w, http.StatusCreated, api.Registered{Message: "New nodes have been added", Nodes: all})
}

// readNodes reads {"nodes": […]}.
func readNodes(w http.ResponseWriter, r *http.Request) ([]string, error) {
	o, err := readObject(w, r, `{"nodes": ["http://127.0.0.1:5001"]}`)
	if err != nil {
		return nil, err
	}
	member, _ := o.Get("nodes")
	list, ok := member.([]canonical.Value)
	if !ok {
		return nil, noNodes
	}
	if len(list) > maxRegister {
		return nil, badRequest("too many nodes", fmt.Sprintf("One request registers at most %d nodes.", maxRegister), "Send the rest in another one.")
	}
	var texts []string
	for i, v := range list {
		text, ok := v.(string)
		if !ok {
			return nil, noNode(fmt.Sprintf("Entry %d of \"nodes\" is not a string.", i+1))
		}
		texts = append(texts, text)
	}
	return texts, nil
}

func noNode(detail string) *problem {
	return badRequest("no node", detail, "Nothing was registered.")
}

// registerProblem says what a client did wrong in a list of so many nodes, if it did.
func registerProblem(err error, nodes int) error {
	refused := (*RefusedNode)(nil)
	switch {
	case errors.As(err, &refused) && refused.Address != "":
		return noNode(fmt.Sprintf("%s was refused: %v.", refused.Address, refused.Err))
	case errors.As(err, &refused) && nodes == 1: // of a form or a command: its user wrote no list
		return noNode(fmt.Sprintf("The address was refused: %v.", refused.Err))
	case errors.As(err, &refused):
		return noNode(fmt.Sprintf("Entry %d of \"nodes\" was refused: %v.", refused.Entry, refused.Err))
	case errors.Is(err, ErrTooManyNodes):
		return badRequest("too many nodes", "This node keeps no more registered nodes: forget one first, with 'kuai disconnect' or on the page.", "DELETE /peers/<address> forgets one; a / in the address is written %2F.")
	}
	return err
}
