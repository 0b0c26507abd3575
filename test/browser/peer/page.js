import { Peer } from './peer.js'

window.Peer = Peer
