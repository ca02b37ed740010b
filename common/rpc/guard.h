// The bounds of a connection whose peer is not trusted: stands between the socket and Cap'n Proto's RPC.
//
// Cap'n Proto keeps an answer for each call until the peer finishes it, queues what it writes without a
// limit, and reads for as long as there is something to read, so that a peer that floods takes all memory and
// starves every other connection. A Guard sees each message before the RPC system does. It ends a peer that
// exceeds its bounds, or makes it wait; it never changes a message. Owned by Channel.
#pragma once

#include <capnp/rpc-twoparty.h>
#include <capnp/rpc.capnp.h>
#include <capnp/serialize-async.h>
#include <kj/timer.h>

#include <memory>
#include <string>

#include "common/rpc/budget.h"

namespace smsd::rpc {

/// The bounds of one connection.
struct Terms {
  /// A server answers our calls and calls what we hand it; a client also asks for our main interface.
  enum class Peer { server, client };
  enum class Overdrawn { ends, waits };

  Peer peer;
  /// Of one message of the peer's. Ours have the bound of the channel.
  std::uint64_t messageWords;
  /// Calls of the peer's that are not answered or not finished.
  std::size_t calls;
  /// Words of the peer's calls that are not answered: the peer's next message waits until they are.
  std::size_t callWords;
  /// Bytes that wait to be written to the peer: above that nothing is read from it.
  std::size_t queuedBytes;
  /// Messages in one turn of the event loop; then all other sockets have their turn. One of more than 4 KiB
  /// counts once more for each 4 KiB.
  double perTurn;
  /// Messages over time, counted likewise; may be shared by several connections.
  std::shared_ptr<Budget> budget;
  Overdrawn overdrawn;
  /// For how long the peer may send nothing while no answer of ours is due; none: for ever.
  kj::Maybe<kj::Duration> silence;
};

class Guard final : public capnp::MessageStream {
 public:
  /// Why a peer is ended.
  struct End {
    enum class Kind { breach, silent };
    Kind kind;
    std::string words;
  };

  Guard(kj::Own<capnp::MessageStream> inner, kj::Timer& timer, Terms terms);

  /// The network whose outgoing queue is bounded.
  void watch(capnp::TwoPartyVatNetwork& network) { network_ = network; }
  /// Resolves when the peer is to be ended; to be taken once. Nothing is read from it any more.
  kj::Promise<End> ended() { return kj::mv(ended_.promise); }
  Budget& budget() { return *terms_.budget; }

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

  kj::Maybe<kj::Promise<void>> pause();
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
  kj::TimePoint turn_;     // the turn of the loop that spent_ belongs to
  double spent_ = 0;       // in this turn
  kj::TimePoint heardAt_;  // the peer's last whole message
  bool writing_ = false;
  std::uint64_t writes_ = 0;  // begun
  std::uint64_t seen_ = 0;    // by the last look
  int stuck_ = 0;             // looks that saw the same write
  bool over_ = false;         // the peer closed its end, or is ended
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> unblocked_;
  kj::PromiseFulfillerPair<End> ended_ = kj::newPromiseAndFulfiller<End>();
  bool looking_ = false;
  kj::Promise<void> looks_ = kj::READY_NOW;
};

}  // namespace smsd::rpc
