package api

import _ "embed"

//go:generate go run ./generate

// OpenAPI is the table in OpenAPI 3.1, and Postman as a Postman collection v2.1. Both are generated.
var (
	//go:embed openapi.json
	OpenAPI []byte
	//go:embed postman.json
	Postman []byte
)
