// SPDX-License-Identifier: GPL-3.0-or-later
// Bounds a connection whose peer is not trusted. A Guard sits between the socket and Cap'n Proto's RPC.
//
// Cap'n Proto keeps an answer for each call until the peer finishes it (sends Finish), queues its output
// without a limit, and reads as long as there is input. A peer that floods it would take all memory and
// starve all other connections. A Guard checks each message before the RPC system handles it; it never
// changes one.
//
// A peer that exceeds `messageWords`, `calls` or `silence` is ended, and so is a peer that sends a message
// that the contract does not need, or does not read for half a minute. A peer that exceeds `callWords`,
// `queuedBytes` or `perTurn` only waits. `overdrawn` decides about `budget`.
//
// Owned by Channel. Only the supervisor's ends of a connection have a Guard: worker-terms.h has the
// terms for a worker, control/control-server.cpp those for a client of control.sock.
#pragma once

#include <capnp/rpc-twoparty.h>
#include <capnp/rpc.capnp.h>
#include <capnp/serialize-async.h>
#include <kj/timer.h>

#include <functional>
#include <memory>
#include <string>

#include "common/rpc/budget.h"

namespace smsd::rpc {

/// The bounds of one connection. A word has 8 bytes.
struct Terms {
  /// The role of the peer. A server (a worker) answers this side's calls, and calls only capabilities that
  /// this side has passed to it. A client (smsctl) may also request this side's main interface (Bootstrap).
  enum class Peer { server, client };
  /// What happens to a peer that has sent more messages than `budget` allows: it is ended, or its next
  /// message waits until the budget has recovered.
  enum class Overdrawn { ends, waits };

  Peer peer;
  /// Words in one message of the peer. The Guard does not bound messages of this side.
  std::uint64_t messageWords;
  /// Open calls of the peer: not answered yet or not finished yet.
  std::size_t calls;
  /// Words in the peer's unanswered calls. Above this bound the peer's next message waits. The channel passes
  /// this one to the RPC system; the Guard does not use it.
  std::size_t callWords;
  /// Bytes that wait to be written to the peer. Above this bound nothing is read from the peer.
  std::size_t queuedBytes;
  /// Messages of the peer in one turn of the event loop; then all other sockets have their turn. Each 4 KiB
  /// of a message count as one more message.
  double perTurn;
  /// Messages of the peer over time, counted in the same way. Several connections may share one budget.
  std::shared_ptr<Budget> budget;
  Overdrawn overdrawn;
  /// How long the peer may send nothing while this side owes it no answer, checked every 5 s; none means
  /// without limit.
  kj::Maybe<kj::Duration> silence;
  /// Called when all that waited to be written to the peer has been written; may be empty.
  std::function<void()> written = {};
};

class Guard final : public capnp::MessageStream {
 public:
  /// Why the Guard ends its peer.
  struct End {
    enum class Kind { breach, silent };
    Kind kind;
    std::string words;  // the reason, for the journal: "it left too many calls unfinished"
  };

  Guard(kj::Own<capnp::MessageStream> inner, kj::Timer& timer, Terms terms);

  /// Sets the network whose outgoing queue `Terms::queuedBytes` bounds. It is made from this Guard, so it
  /// cannot be passed to the constructor.
  void watch(capnp::TwoPartyVatNetwork& network) { network_ = network; }
  /// Resolves when the peer has to be ended. The Guard reads nothing more from it then; the caller closes the
  /// connection. Call once.
  kj::Promise<End> ended() { return kj::mv(ended_.promise); }
  Budget& budget() { return *terms_.budget; }
  /// How long the peer has sent nothing; none: this side owes it an answer.
  kj::Maybe<kj::Duration> silentFor() const {
    if (calls_.due()) return nullptr;
    return timer_.now() - heardAt_;
  }

  kj::Promise<kj::Maybe<capnp::MessageReaderAndFds>> tryReadMessage(
      kj::ArrayPtr<kj::AutoCloseFd> fdSpace, capnp::ReaderOptions options,
      kj::ArrayPtr<capnp::word> scratchSpace) override;
  kj::Promise<void> writeMessage(kj::ArrayPtr<const int> fds,
                                 kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>> segments) override;
  kj::Promise<void> writeMessages(
      kj::ArrayPtr<kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>>> messages) override;
  kj::Maybe<int> getSendBufferSize() override { return inner_->getSendBufferSize(); }
  kj::Promise<void> end() override;

 private:
  using Read = kj::Maybe<capnp::MessageReaderAndFds>;

  // `fault` and `openCall` return the reason to end the peer; empty: there is none. A "look" is the check
  // every 5 s for a peer that is silent or does not read.
  kj::Maybe<kj::Promise<void>> waitToRead();
  void admit(capnp::MessageReader& message);
  std::string fault(capnp::rpc::Message::Reader message);
  std::string openCall(std::uint32_t id);
  void noteAnswer(kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>> segments);
  kj::Promise<void> writing(kj::Promise<void> write);
  void wrote();
  void lookLater();
  kj::Promise<void> look();
  void endPeer(End::Kind kind, std::string words);
  Budget::Time now() const;

  kj::Own<capnp::MessageStream> inner_;
  kj::Timer& timer_;
  Terms terms_;
  kj::Maybe<capnp::TwoPartyVatNetwork&> network_;
  Calls calls_;
  kj::TimePoint turn_;     // the turn of the loop for which spent_ counts
  double spent_ = 0;       // messages in this turn
  kj::TimePoint heardAt_;  // when the peer's last whole message came
  bool writing_ = false;
  std::uint64_t writes_ = 0;  // writes begun
  std::uint64_t seen_ = 0;    // value of writes_ at the last look
  int stuck_ = 0;             // looks that found the same write
  bool over_ = false;         // the peer has closed its end, or is ended
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> unblocked_;
  kj::PromiseFulfillerPair<End> ended_ = kj::newPromiseAndFulfiller<End>();
  kj::Promise<void> afterWrite_ = kj::READY_NOW;
  bool looking_ = false;
  kj::Promise<void> looks_ = kj::READY_NOW;
};

}  // namespace smsd::rpc
