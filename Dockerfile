FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
COPY chain/store/nozstd chain/store/nozstd
ENV CGO_ENABLED=0 GOFLAGS=-trimpath
RUN go mod download
# The large libraries change seldom. Compiled in a layer of their own, they are not compiled again after each edit.
RUN go build github.com/cockroachdb/pebble/v2 github.com/libp2p/go-libp2p/p2p/host/basic github.com/libp2p/go-libp2p/p2p/transport/quic \
    github.com/libp2p/go-libp2p-pubsub github.com/libp2p/go-libp2p-kad-dht github.com/prometheus/client_golang/prometheus/promhttp
COPY . .
ARG VERSION=
RUN go build -ldflags "-s -w -X main.stamped=$VERSION" -o /out/kuai ./cmd/kuai && mkdir /out/data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/kuai /kuai
# A volume takes its owner from the directory that it hides.
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
ENV KUAI_DATA_DIR=/data
VOLUME /data
EXPOSE 5000 15000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["/kuai", "health"]
ENTRYPOINT ["/kuai"]
CMD ["daemon"]
