// Package canonical reads JSON as CPython's json module does, and writes it byte for byte as json.dumps(value, sort_keys=True) does.
// A block's hash is taken over these bytes, so that any program in any language can compute it.
//
//	any spelling ──Read──► Value ──AppendValue──► the one canonical spelling ──AppendCompact──► Flask's
//
// Read takes any spelling within limits and refuses what readers understand in different ways. ScanNumber, ScanUint, ScanString and
// IsHex take the canonical spelling only and build no values: the parser of blocks is made of them. DecodeText takes text in UTF-16
// and UTF-32 to the UTF-8 that Read wants.
//
// It is pure: functions of bytes, with no state, clock, disk or log. Numbers keep their spelling: 5, 5.0 and 5e0 differ for a hash.
package canonical
