package invite

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
)

// The first byte: version, form, options.
const (
	versionShift = 5
	formFile     = 1 << 4 // else a network of its own, with its zeros in the options
	optionFile   = 1 << 0 // a network file; without it the network is classic
	optionKey    = 1 << 1 // a swarm key
	optionKnown  = 1 << 2 // the number of a network that each program has; since versionKnown
	optionMask   = 1<<4 - 1
)

// Kinds of what follows the network.
const (
	kindIP4Usual = 1 + iota // an address with usualPort
	kindIP4
	kindIP6
	kindName
	kindTeacher // once, before the addresses; since versionLab
)

const (
	usualPort = 15000 // for peers, of a node on the usual port
	maxName   = 253   // letters of a host name
)

// common is text that network files share: the compressor refers to it.
const common = `"reward": 2, "limits": {"block_bytes": 65536, "block_transactions": 100, "transaction_bytes": 2048, "name_bytes": 64, "ahead_seconds": 7200}` +
	`{"name": "class", "zeros": 3, "genesis": {"index": 1, "previous_hash": "1", "proof": 100, "timestamp": 1626739200.0, "transactions": []}}` + "\n"

var errCode = errors.New("the code makes no sense: ask for a new one")

// append writes an invitation without its checksum.
func (i Invitation) append(dst []byte) ([]byte, error) {
	if len(i.Addresses) > maxAddresses {
		return nil, fmt.Errorf("%d addresses: a code has room for %d", len(i.Addresses), maxAddresses)
	}
	dst, err := i.appendNetwork(dst)
	if i.Teacher != (Teacher{}) {
		dst = append(append(dst, kindTeacher), i.Teacher[:]...)
	}
	for _, a := range i.Addresses {
		if err == nil {
			dst, err = appendAddress(dst, a)
		}
	}
	return dst, err
}

func (i Invitation) appendNetwork(dst []byte) ([]byte, error) {
	version := byte(version)
	known := slices.Index(knownFiles(), string(i.Network))
	switch {
	case known >= 0:
		version = versionKnown
	case i.Teacher != (Teacher{}):
		version = versionLab
	}
	if i.Own != nil {
		if i.Own.Zeros < 0 || i.Own.Zeros > MaxZeros {
			return nil, fmt.Errorf("%d zeros: want 0..%d", i.Own.Zeros, MaxZeros)
		}
		return append(append(dst, version<<versionShift|byte(i.Own.Zeros)), i.Own.Seed[:]...), nil
	}
	head := version<<versionShift | formFile
	switch {
	case known >= 0:
		head |= optionKnown
	case i.Network != nil:
		head |= optionFile
	}
	if i.SwarmKey != nil {
		head |= optionKey
	}
	dst = append(dst, head)
	switch {
	case known >= 0:
		dst = append(dst, byte(known))
	case i.Network != nil:
		text, err := deflate(i.Network)
		if err != nil {
			return nil, err
		}
		dst = append(binary.AppendUvarint(dst, uint64(len(text))), text...)
	}
	if i.SwarmKey != nil && len(i.SwarmKey) != keyBytes {
		return nil, fmt.Errorf("a swarm key of %d bytes: want %d", len(i.SwarmKey), keyBytes)
	}
	return append(dst, i.SwarmKey...), nil
}

func appendAddress(dst []byte, address string) ([]byte, error) {
	host, portText, err := net.SplitHostPort(address)
	port, portErr := strconv.ParseUint(portText, 10, 16)
	if err != nil || portErr != nil || port == 0 || host == "" || len(host) > maxName {
		return nil, fmt.Errorf("address %q: want host:port, as 192.0.2.10:%d", address, usualPort)
	}
	ip, err := netip.ParseAddr(host)
	ip = ip.WithZone("").Unmap()
	switch {
	case err != nil:
		dst = append(append(dst, kindName, byte(len(host))), host...)
	case ip.Is4() && port == usualPort:
		return append(append(dst, kindIP4Usual), ip.AsSlice()...), nil
	case ip.Is4():
		dst = append(append(dst, kindIP4), ip.AsSlice()...)
	default:
		dst = append(append(dst, kindIP6), ip.AsSlice()...)
	}
	return binary.BigEndian.AppendUint16(dst, uint16(port)), nil
}

// read reads what append wrote.
func read(r *bytes.Reader) (i Invitation, err error) {
	head, err := r.ReadByte()
	switch {
	case err != nil:
		return i, errCode
	case head>>versionShift > versionKnown:
		return i, ErrNewer
	case head>>versionShift < version:
		return i, errCode
	case head&formFile == 0:
		own := Own{Zeros: int(head & optionMask)}
		_, err = io.ReadFull(r, own.Seed[:])
		i.Own = &own
	default:
		err = i.readNetwork(r, head&optionMask)
	}
	if err == nil && head>>versionShift >= versionLab {
		err = i.readTeacher(r, head>>versionShift == versionLab)
	}
	for err == nil && r.Len() > 0 {
		var a string
		a, err = readAddress(r)
		i.Addresses = append(i.Addresses, a)
	}
	if err == nil {
		_, err = i.Rules()
	}
	if err != nil || len(i.Addresses) > maxAddresses {
		return Invitation{}, errors.Join(errCode, err)
	}
	return i, nil
}

func (i *Invitation) readNetwork(r *bytes.Reader, options byte) error {
	if options&^(optionFile|optionKey|optionKnown) != 0 || options&optionFile != 0 && options&optionKnown != 0 {
		return errCode
	}
	if options&optionKnown != 0 {
		number, err := r.ReadByte()
		files := knownFiles()
		switch {
		case err != nil:
			return errCode
		case int(number) >= len(files):
			return ErrNewer
		}
		i.Network = []byte(files[number])
	}
	if options&optionFile != 0 {
		size, err := binary.ReadUvarint(r)
		if err != nil || size > uint64(r.Len()) {
			return errCode
		}
		text := make([]byte, size)
		if _, err := io.ReadFull(r, text); err != nil {
			return errCode
		}
		if i.Network, err = inflate(text); err != nil {
			return err
		}
	}
	if options&optionKey == 0 {
		return nil
	}
	i.SwarmKey = make([]byte, keyBytes)
	_, err := io.ReadFull(r, i.SwarmKey)
	return err
}

// readTeacher reads the teacher, which may only be missing if it need not be there.
func (i *Invitation) readTeacher(r *bytes.Reader, must bool) error {
	if !must && r.Len() == 0 {
		return nil
	}
	kind, err := r.ReadByte()
	if !must && kind != kindTeacher {
		return r.UnreadByte()
	}
	if err == nil {
		_, err = io.ReadFull(r, i.Teacher[:])
	}
	if err != nil || kind != kindTeacher || i.Teacher == (Teacher{}) {
		return errCode
	}
	return nil
}

func readAddress(r *bytes.Reader) (string, error) {
	kind, err := r.ReadByte()
	if err != nil {
		return "", err
	}
	size, ok := map[byte]int{kindIP4Usual: 4, kindIP4: 4, kindIP6: 16, kindName: 1}[kind]
	if !ok {
		return "", errCode
	}
	host := make([]byte, size)
	if _, err := io.ReadFull(r, host); err != nil {
		return "", err
	}
	if kind == kindIP4Usual {
		return join(host, usualPort), nil
	}
	if kind == kindName {
		host = make([]byte, host[0])
		if _, err := io.ReadFull(r, host); err != nil || !isName(host) {
			return "", errCode
		}
	}
	var port [2]byte
	if _, err := io.ReadFull(r, port[:]); err != nil {
		return "", err
	}
	if kind == kindName {
		return net.JoinHostPort(string(host), strconv.Itoa(int(binary.BigEndian.Uint16(port[:])))), nil
	}
	return join(host, binary.BigEndian.Uint16(port[:])), nil
}

func join(ip []byte, port uint16) string {
	a, _ := netip.AddrFromSlice(ip) // 4 or 16 bytes
	return netip.AddrPortFrom(a, port).String()
}

// isName reports whether text can be the name of a host.
func isName(text []byte) bool {
	for _, c := range text {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_') {
			return false
		}
	}
	return len(text) > 0 && len(text) <= maxName
}

func deflate(text []byte) ([]byte, error) {
	if len(text) > maxFile {
		return nil, fmt.Errorf("a network file of %d bytes: a code has room for %d", len(text), maxFile)
	}
	var b bytes.Buffer
	w, err := flate.NewWriterDict(&b, flate.BestCompression, []byte(common))
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Close()
	}
	return b.Bytes(), err
}

func inflate(text []byte) ([]byte, error) {
	r := flate.NewReaderDict(bytes.NewReader(text), []byte(common))
	out, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(out) > maxFile {
		err = errCode
	}
	return out, err
}
