// A Cap'n Proto connection between two of our processes, with bounds on what the other one may send.
//
// Owns the stream, the vat network and the RPC system of one connection. Used by the keeper (client of a
// worker), the kit (server), the control socket and smsctl. When the peer goes, calls fail as DISCONNECTED
// and `disconnected()` resolves.
#pragma once

#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>

namespace smsd::rpc {

/// What one message may hold: far above the largest batch of proto/dispatcher.capnp, far below what would
/// hurt.
capnp::ReaderOptions bounds();

class Channel {
 public:
  /// Serves `bootstrap` on the stream.
  static kj::Own<Channel> serve(kj::Own<kj::AsyncIoStream> stream, capnp::Capability::Client bootstrap);
  /// A client of what the other end serves.
  static kj::Own<Channel> connect(kj::Own<kj::AsyncIoStream> stream);

  Channel(kj::Own<kj::AsyncIoStream> stream, capnp::rpc::twoparty::Side side,
          kj::Maybe<capnp::Capability::Client> bootstrap);

  /// The other end's main interface; for a channel made by connect().
  capnp::Capability::Client peer();
  kj::Promise<void> disconnected() { return network_.onDisconnect(); }

 private:
  kj::Own<kj::AsyncIoStream> stream_;
  capnp::TwoPartyVatNetwork network_;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> system_;
};

}  // namespace smsd::rpc
