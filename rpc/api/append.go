package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"kuai/chain/canonical"
)

// Append appends v as Flask prints it: keys sorted at every level, compact, ASCII-escaped, numbers as Python prints them, without a
// newline. A nil slice is an empty list. Field tags are those of encoding/json. It panics on a type that no answer may have, as a
// map, whose order and names are nobody's promise.
func Append(dst []byte, v any) []byte {
	return printerOf(reflect.TypeOf(v))(dst, reflect.ValueOf(v))
}

// printer appends a value of one type.
type printer func(dst []byte, v reflect.Value) []byte

var printers sync.Map // from reflect.Type to printer

func printerOf(t reflect.Type) printer {
	if p, ok := printers.Load(t); ok {
		return p.(printer)
	}
	p := newPrinter(t)
	printers.Store(t, p)
	return p
}

var (
	numberType = reflect.TypeFor[json.Number]()
	proofType  = reflect.TypeFor[Proof]()
	timeType   = reflect.TypeFor[time.Time]()
	blockType  = reflect.TypeFor[Block]()
)

func newPrinter(t reflect.Type) printer {
	switch t {
	case numberType, proofType:
		return func(dst []byte, v reflect.Value) []byte { return append(dst, v.String()...) } // not the method of a Proof
	case timeType:
		return appendTime
	case blockType:
		return blockPrinter(t)
	}
	switch t.Kind() {
	case reflect.Bool:
		return func(dst []byte, v reflect.Value) []byte { return strconv.AppendBool(dst, v.Bool()) }
	case reflect.String:
		return func(dst []byte, v reflect.Value) []byte { return canonical.AppendString(dst, v.String()) }
	case reflect.Int, reflect.Int64:
		return func(dst []byte, v reflect.Value) []byte { return strconv.AppendInt(dst, v.Int(), 10) }
	case reflect.Uint64:
		return func(dst []byte, v reflect.Value) []byte { return strconv.AppendUint(dst, v.Uint(), 10) }
	case reflect.Float64:
		return func(dst []byte, v reflect.Value) []byte { return canonical.AppendFloat(dst, v.Float()) }
	case reflect.Pointer:
		return pointerPrinter(printerOf(t.Elem()))
	case reflect.Slice:
		return slicePrinter(printerOf(t.Elem()))
	case reflect.Struct:
		return structPrinter(t)
	}
	panic(fmt.Sprintf("api: an answer has a %v, which Append does not print", t))
}

// appendTime writes whole seconds, in UTC.
func appendTime(dst []byte, v reflect.Value) []byte {
	dst = append(dst, '"')
	dst = v.Interface().(time.Time).UTC().AppendFormat(dst, time.RFC3339)
	return append(dst, '"')
}

// blockPrinter prints the text of a block that has one.
func blockPrinter(t reflect.Type) printer {
	text, _ := t.FieldByName("Text")
	fields := structPrinter(t)
	return func(dst []byte, v reflect.Value) []byte {
		if raw := v.FieldByIndex(text.Index).Bytes(); raw != nil {
			return append(dst, raw...)
		}
		return fields(dst, v)
	}
}

func pointerPrinter(elem printer) printer {
	return func(dst []byte, v reflect.Value) []byte {
		if v.IsNil() {
			return append(dst, "null"...)
		}
		return elem(dst, v.Elem())
	}
}

func slicePrinter(elem printer) printer {
	return func(dst []byte, v reflect.Value) []byte {
		dst = append(dst, '[')
		for i := range v.Len() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = elem(dst, v.Index(i))
		}
		return append(dst, ']')
	}
}

// field is a field of a struct as it is printed.
type field struct {
	index int
	name  string
	key   string // quoted, with its colon
	omit  bool   // the zero value is left out
	print printer
}

func structPrinter(t reflect.Type) printer {
	fields := fieldsOf(t)
	return func(dst []byte, v reflect.Value) []byte {
		dst = append(dst, '{')
		first := true
		for i := range fields {
			f := &fields[i]
			value := v.Field(f.index)
			if f.omit && isEmpty(value) {
				continue
			}
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = f.print(append(dst, f.key...), value)
		}
		return append(dst, '}')
	}
}

func isEmpty(v reflect.Value) bool { return v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0 }

// fieldsOf lists the fields in the order of their names.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		if name == "" || !f.IsExported() || f.Anonymous {
			panic(fmt.Sprintf("api: field %s of %v has no name in JSON", f.Name, t))
		}
		fields = append(fields, field{i, name, string(canonical.AppendString(nil, name)) + ":", options != "", printerOf(f.Type)})
	}
	slices.SortFunc(fields, func(a, b field) int { return cmp.Compare(a.name, b.name) })
	return fields
}
