// A Cap'n Proto connection between two of our processes, with bounds on what the other one may send.
//
// Owns the stream, the vat network and the RPC system of one connection. Used by the keeper (client of a
// worker), the kit (server), the control socket and smsctl. When the peer goes, calls fail as DISCONNECTED
// and `disconnected()` resolves. The supervisor's ends are guarded: their peers are held to Terms. The kit
// and smsctl trust the supervisor.
#pragma once

#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>

#include "common/rpc/guard.h"

namespace smsd::rpc {

/// What one message may hold: far above the largest batch of proto/dispatcher.capnp, far below what would
/// hurt.
capnp::ReaderOptions bounds();

class Channel {
 public:
  /// Serves `bootstrap` on the stream.
  static kj::Own<Channel> serve(kj::Own<kj::AsyncIoStream> stream, capnp::Capability::Client bootstrap);
  static kj::Own<Channel> serve(kj::Own<kj::AsyncIoStream> stream, capnp::Capability::Client bootstrap,
                                kj::Timer& timer, Terms terms);
  /// A client of what the other end serves.
  static kj::Own<Channel> connect(kj::Own<kj::AsyncIoStream> stream);
  static kj::Own<Channel> connect(kj::Own<kj::AsyncIoStream> stream, kj::Timer& timer, Terms terms);

  Channel(kj::Own<kj::AsyncIoStream> stream, capnp::rpc::twoparty::Side side,
          kj::Maybe<capnp::Capability::Client> bootstrap);
  Channel(kj::Own<kj::AsyncIoStream> stream, capnp::rpc::twoparty::Side side,
          kj::Maybe<capnp::Capability::Client> bootstrap, kj::Timer& timer, Terms terms);

  /// The other end's main interface; for a channel made by connect().
  capnp::Capability::Client peer();
  /// A peer that does not read may keep this from resolving; a guarded channel has ended() for that.
  kj::Promise<void> disconnected() { return network_.onDisconnect(); }
  /// Of a guarded channel, to be taken once: the peer has to be ended, and why. Let go of the channel then.
  kj::Promise<Guard::End> ended() { return guard().ended(); }
  /// Of a guarded channel: the peer was asked for something, and may send so many messages more for it.
  void earn(double messages, double most) { guard().budget().earn(messages, most); }

 private:
  Guard& guard() { return KJ_ASSERT_NONNULL(guard_); }

  kj::Own<kj::AsyncIoStream> stream_;
  kj::Own<capnp::MessageStream> messages_;  // of a guarded channel
  kj::Maybe<Guard&> guard_;
  capnp::TwoPartyVatNetwork network_;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> system_;
};

}  // namespace smsd::rpc
