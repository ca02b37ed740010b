// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/rpc/channel.h"

#include <cstdint>

#include "common/rpc/paced-stream.h"

namespace smsd::rpc {
namespace {

using Side = capnp::rpc::twoparty::Side;

// A batch of 4,096 SMS of 140 characters takes about 1.5 MB; a report of as many outcomes with the longest
// reasons takes about 2 MB.
constexpr std::uint64_t maxMessageWords = 1024 * 1024;
// The bound on the peer's unanswered calls that are kept here. Further calls wait in the socket.
constexpr std::size_t flowLimitWords = 2 * 1024 * 1024;

capnp::RpcSystem<capnp::rpc::twoparty::VatId> makeSystem(capnp::TwoPartyVatNetwork& network,
                                                         kj::Maybe<capnp::Capability::Client> bootstrap) {
  KJ_IF_MAYBE (served, bootstrap) return capnp::makeRpcServer(network, kj::mv(*served));
  return capnp::makeRpcClient(network);
}

}  // namespace

capnp::ReaderOptions bounds() {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = maxMessageWords;
  options.nestingLimit = 16;
  return options;
}

Channel::Channel(kj::Own<kj::AsyncIoStream> stream, Side side, kj::Maybe<capnp::Capability::Client> bootstrap)
    : stream_(kj::mv(stream)),
      network_(*stream_, side, bounds()),
      system_(makeSystem(network_, kj::mv(bootstrap))) {
  system_.setFlowLimit(flowLimitWords);
}

Channel::Channel(kj::Own<kj::AsyncIoStream> stream, Side side, kj::Maybe<capnp::Capability::Client> bootstrap,
                 kj::Timer& timer, Terms terms)
    : stream_(kj::heap<PacedStream>(kj::mv(stream), timer)),
      messages_(kj::heap<Guard>(kj::heap<capnp::AsyncIoMessageStream>(*stream_), timer, terms)),
      guard_(kj::downcast<Guard>(*messages_)),
      network_(*messages_, side, bounds()),
      system_(makeSystem(network_, kj::mv(bootstrap))) {
  guard().watch(network_);
  system_.setFlowLimit(terms.callWords);
}

kj::Own<Channel> Channel::serve(kj::Own<kj::AsyncIoStream> stream, capnp::Capability::Client bootstrap) {
  return kj::heap<Channel>(kj::mv(stream), Side::SERVER, kj::mv(bootstrap));
}

kj::Own<Channel> Channel::serve(kj::Own<kj::AsyncIoStream> stream, capnp::Capability::Client bootstrap,
                                kj::Timer& timer, Terms terms) {
  return kj::heap<Channel>(kj::mv(stream), Side::SERVER, kj::mv(bootstrap), timer, std::move(terms));
}

kj::Own<Channel> Channel::connect(kj::Own<kj::AsyncIoStream> stream) {
  return kj::heap<Channel>(kj::mv(stream), Side::CLIENT, nullptr);
}

kj::Own<Channel> Channel::connect(kj::Own<kj::AsyncIoStream> stream, kj::Timer& timer, Terms terms) {
  return kj::heap<Channel>(kj::mv(stream), Side::CLIENT, nullptr, timer, std::move(terms));
}

capnp::Capability::Client Channel::peer() {
  capnp::MallocMessageBuilder message(8);
  auto id = message.initRoot<capnp::rpc::twoparty::VatId>();
  id.setSide(Side::SERVER);
  return system_.bootstrap(id);
}

}  // namespace smsd::rpc
