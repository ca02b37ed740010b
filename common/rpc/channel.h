// SPDX-License-Identifier: GPL-3.0-or-later
// A Cap'n Proto connection between two of smsd's processes, with bounds on the peer's messages.
//
// Owns the stream, the vat network and the RPC system of one connection. Used by the keeper (client of a
// worker), the kit (server), the control socket and smsctl. When the peer goes, calls fail as DISCONNECTED
// and `disconnected()` resolves. The supervisor's ends are guarded: a Guard holds their peers to Terms. The
// kit and smsctl trust the supervisor and use no Guard.
#pragma once

#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>

#include "common/rpc/guard.h"

namespace smsd::rpc {

/// Returns the bounds of one message: far above the largest batch of proto/dispatcher.capnp, and far below a
/// harmful size.
capnp::ReaderOptions bounds();

class Channel {
 public:
  /// Serves `bootstrap` on the stream.
  static kj::Own<Channel> serve(kj::Own<kj::AsyncIoStream> stream, capnp::Capability::Client bootstrap);
  static kj::Own<Channel> serve(kj::Own<kj::AsyncIoStream> stream, capnp::Capability::Client bootstrap,
                                kj::Timer& timer, Terms terms);
  /// Connects as a client of the peer's main interface.
  static kj::Own<Channel> connect(kj::Own<kj::AsyncIoStream> stream);
  static kj::Own<Channel> connect(kj::Own<kj::AsyncIoStream> stream, kj::Timer& timer, Terms terms);

  Channel(kj::Own<kj::AsyncIoStream> stream, capnp::rpc::twoparty::Side side,
          kj::Maybe<capnp::Capability::Client> bootstrap);
  Channel(kj::Own<kj::AsyncIoStream> stream, capnp::rpc::twoparty::Side side,
          kj::Maybe<capnp::Capability::Client> bootstrap, kj::Timer& timer, Terms terms);

  /// Returns the peer's main interface. Only for a channel made by connect().
  capnp::Capability::Client peer();
  /// Resolves when the connection has ended. A peer that does not read may delay this without limit; a
  /// guarded channel has ended() for that case.
  kj::Promise<void> disconnected() { return network_.onDisconnect(); }
  /// For a guarded channel, to be called once. Resolves, with the reason, when the peer has to be
  /// disconnected. Destroy the channel then.
  kj::Promise<Guard::End> ended() { return guard().ended(); }
  /// For a guarded channel. The peer was given work, and may send `messages` more for it; see Budget::earn().
  void earn(double messages, double most) { guard().budget().earn(messages, most); }

  /// For a guarded channel. See Guard::silentFor().
  kj::Maybe<kj::Duration> silentFor() { return guard().silentFor(); }

 private:
  Guard& guard() { return KJ_ASSERT_NONNULL(guard_); }

  kj::Own<kj::AsyncIoStream> stream_;
  kj::Own<capnp::MessageStream> messages_;  // only in a guarded channel
  kj::Maybe<Guard&> guard_;
  capnp::TwoPartyVatNetwork network_;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> system_;
};

}  // namespace smsd::rpc
