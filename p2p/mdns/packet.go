package mdns

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// Limits of packets.
const (
	maxPacket   = 9000 // bytes read of one, RFC 6762 §17
	frame       = 1400 // bytes of one that we send, at most: it fits into an Ethernet frame
	maxRecords  = 256  // records in one section
	maxTexts    = 16   // strings of one instance
	recordTTL   = 75 * 60
	hostTTL     = 120 // seconds, RFC 6762 §10: an address may change soon
	cacheFlush  = 1 << 15
	unusedPort  = 4001       // of the SRV record, as go-libp2p has it: only the TXT record counts
	knownRecord = 2 + 10 + 2 // bytes of a known answer beside its instance's label and that label's length
)

// message is what one packet says about a service.
type message struct {
	query     bool
	asks      bool // for the service's instances
	more      bool // more known answers follow in another packet
	instances []instance
}

// instance is one participant as a packet names it.
type instance struct {
	name  string   // with the service behind it, in lower case
	ttl   uint32   // seconds; 0: it leaves
	texts []string // nil: the packet does not say
}

var errTooMany = errors.New("too many records")

// parse reads what packet says about service, which is in lower case.
func parse(packet []byte, service string) (message, error) {
	var p dnsmessage.Parser
	h, err := p.Start(packet)
	if err != nil {
		return message{}, err
	}
	if h.OpCode != 0 || h.RCode != dnsmessage.RCodeSuccess {
		return message{}, fmt.Errorf("opcode %d, rcode %d: want zeros", h.OpCode, h.RCode)
	}
	m := message{query: !h.Response, more: h.Truncated}
	if m.asks, err = asks(&p, service); err != nil {
		return message{}, err
	}
	err = m.read(&p, p.AnswerHeader, p.SkipAnswer, service)
	if err == nil && h.Response {
		if err = p.SkipAllAuthorities(); err == nil {
			err = m.read(&p, p.AdditionalHeader, p.SkipAdditional, service)
		}
	}
	return m, err
}

// asks reports whether one of the questions is about the instances of service.
func asks(p *dnsmessage.Parser, service string) (bool, error) {
	asked := false
	for range maxRecords {
		q, err := p.Question()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			return asked, nil
		}
		if err != nil {
			return false, err
		}
		wanted := q.Type == dnsmessage.TypePTR || q.Type == dnsmessage.TypeALL
		asked = asked || wanted && strings.EqualFold(q.Name.String(), service)
	}
	return false, errTooMany
}

// read takes the records of one section.
func (m *message) read(p *dnsmessage.Parser, next func() (dnsmessage.ResourceHeader, error), skip func() error, service string) error {
	for range maxRecords {
		h, err := next()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			return nil
		}
		if err != nil {
			return err
		}
		name := strings.ToLower(h.Name.String())
		switch {
		case h.Type == dnsmessage.TypePTR && name == service:
			err = m.readPTR(p, h.TTL, service)
		case h.Type == dnsmessage.TypeTXT && isInstance(name, service):
			err = m.readTXT(p, h.TTL, name)
		default:
			err = skip()
		}
		if err != nil {
			return err
		}
	}
	return errTooMany
}

func isInstance(name, service string) bool {
	label, ok := strings.CutSuffix(name, "."+service)
	return ok && label != ""
}

func (m *message) readPTR(p *dnsmessage.Parser, ttl uint32, service string) error {
	r, err := p.PTRResource()
	if err != nil {
		return err
	}
	if name := strings.ToLower(r.PTR.String()); isInstance(name, service) {
		m.instance(name, ttl).ttl = ttl
	}
	return nil
}

func (m *message) readTXT(p *dnsmessage.Parser, ttl uint32, name string) error {
	r, err := p.TXTResource()
	if err != nil {
		return err
	}
	if ttl == 0 {
		return nil // the PTR record says who leaves
	}
	i := m.instance(name, ttl)
	i.texts = append(i.texts, r.TXT[:min(len(r.TXT), maxTexts-len(i.texts))]...)
	return nil
}

// instance returns the entry of name, made with ttl if there is none.
func (m *message) instance(name string, ttl uint32) *instance {
	at := slices.IndexFunc(m.instances, func(i instance) bool { return i.name == name })
	if at < 0 {
		at, m.instances = len(m.instances), append(m.instances, instance{name: name, ttl: ttl})
	}
	return &m.instances[at]
}

// query returns the packets of one query: it asks for instances of service and lists those that need not answer.
func query(service string, known []instance) ([][]byte, error) {
	const head = 12 + 4 // bytes of the header and of the question beside its name
	var packets [][]byte
	for first := true; first || len(known) > 0; first = false {
		size, n := head+len(service)+1, 0
		for n < len(known) && size+knownRecord+len(known[n].name)-len(service) <= frame {
			size += knownRecord + len(known[n].name) - len(service)
			n++
		}
		packet, err := queryPacket(service, first, known[:n], n < len(known))
		if err != nil {
			return nil, err
		}
		packets, known = append(packets, packet), known[n:]
	}
	return packets, nil
}

func queryPacket(service string, asks bool, known []instance, more bool) ([]byte, error) {
	w := newWriter(dnsmessage.Header{Truncated: more})
	name := w.name(service)
	w.do(w.b.StartQuestions())
	if asks {
		w.do(w.b.Question(dnsmessage.Question{Name: name, Type: dnsmessage.TypePTR, Class: dnsmessage.ClassINET}))
	}
	w.do(w.b.StartAnswers())
	for _, i := range known {
		w.ptr(name, i.name, i.ttl)
	}
	return w.finish()
}

// announcement returns the packet that describes an instance. Readers differ in the sections that they look at,
// so all records are answers. SRV, A and AAAA are there for go-libp2p, which ignores an instance without them.
func announcement(service, name string, texts []string, addrs []netip.Addr) ([]byte, error) {
	label, _, _ := strings.Cut(name, ".")
	w := newWriter(dnsmessage.Header{Response: true, Authoritative: true})
	own, host := w.name(name), w.name(label+".local.")
	w.do(w.b.StartAnswers())
	w.ptr(w.name(service), name, recordTTL)
	w.do(w.b.TXTResource(unique(own, recordTTL), dnsmessage.TXTResource{TXT: texts}))
	w.do(w.b.SRVResource(unique(own, hostTTL), dnsmessage.SRVResource{Port: unusedPort, Target: host}))
	for _, a := range addrs {
		if a.Is4() {
			w.do(w.b.AResource(unique(host, hostTTL), dnsmessage.AResource{A: a.As4()}))
		} else {
			w.do(w.b.AAAAResource(unique(host, hostTTL), dnsmessage.AAAAResource{AAAA: a.As16()}))
		}
	}
	return w.finish()
}

// goodbye returns the packet that says that an instance leaves.
func goodbye(service, name string) ([]byte, error) {
	w := newWriter(dnsmessage.Header{Response: true, Authoritative: true})
	w.do(w.b.StartAnswers())
	w.ptr(w.name(service), name, 0)
	return w.finish()
}

// unique is the header of a record that nobody else has.
func unique(name dnsmessage.Name, ttl uint32) dnsmessage.ResourceHeader {
	return dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET | cacheFlush, TTL: ttl}
}

// writer builds a packet and keeps the first error.
type writer struct {
	b   dnsmessage.Builder
	err error
}

func newWriter(h dnsmessage.Header) *writer {
	w := &writer{b: dnsmessage.NewBuilder(nil, h)}
	w.b.EnableCompression()
	return w
}

func (w *writer) do(err error) { w.err = errors.Join(w.err, err) }

func (w *writer) name(s string) dnsmessage.Name {
	n, err := dnsmessage.NewName(s)
	w.do(err)
	return n
}

func (w *writer) ptr(service dnsmessage.Name, instance string, ttl uint32) {
	h := dnsmessage.ResourceHeader{Name: service, Class: dnsmessage.ClassINET, TTL: ttl}
	w.do(w.b.PTRResource(h, dnsmessage.PTRResource{PTR: w.name(instance)}))
}

func (w *writer) finish() ([]byte, error) {
	packet, err := w.b.Finish()
	return packet, errors.Join(w.err, err)
}
