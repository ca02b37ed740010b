// SPDX-License-Identifier: GPL-3.0-or-later
// The two sides of control.sock in version 1, built from its frozen schema (tests/data/contract-1) and from
// Cap'n Proto alone. For tests/scenario/versions.py.
//
//   contract-1-control --ask SOCKET     a client: prints what the daemon at SOCKET says of itself and of its
//                                       first dispatcher, and what it answers to a nudge and to a pause
//   contract-1-control --serve SOCKET   a daemon: answers status and pause, prints "serves", and ends with
//   its
//                                       first connection
#include <capnp/rpc-twoparty.h>
#include <control.capnp.h>
#include <kj/async-io.h>
#include <signal.h>

#include <cstdio>
#include <cstring>

namespace {

using namespace smsd;

class Daemon final : public proto::Control::Server {
 protected:
  kj::Promise<void> status(StatusContext context) override {
    auto status = context.getResults().initStatus();
    status.setVersion("0.0.1");
    status.setPid(42);
    status.setHealthy(true);
    auto queue = status.initQueue();
    queue.setBackend("sqlite");
    queue.setReachable(true);
    auto one = status.initDispatchers(1)[0];
    one.setName("gateway");
    one.setKind("http");
    one.setState(proto::DispatcherState::READY);
    one.setAccepted(7);
    return kj::READY_NOW;
  }
  kj::Promise<void> steer(SteerContext) override { return kj::READY_NOW; }
};

void ask(kj::AsyncIoContext& io, kj::NetworkAddress& address) {
  auto stream = address.connect().wait(io.waitScope);
  capnp::TwoPartyClient client(*stream);
  auto daemon = client.bootstrap().castAs<proto::Control>();
  auto response = daemon.statusRequest().send().wait(io.waitScope);
  auto status = response.getStatus();
  std::printf("healthy %d, %s, reachable %d\n", status.getHealthy(), status.getQueue().getBackend().cStr(),
              status.getQueue().getReachable());
  auto first = status.getDispatchers()[0];
  std::printf("%s %s accepted %llu\n", first.getName().cStr(), first.getKind().cStr(),
              static_cast<unsigned long long>(first.getAccepted()));
  daemon.nudgeRequest().send().wait(io.waitScope);
  auto request = daemon.steerRequest();
  request.setName(first.getName());
  request.setAct(proto::Act::PAUSE);
  std::printf("problem '%s'\n", request.send().wait(io.waitScope).getProblem().cStr());
}

void serve(kj::AsyncIoContext& io, kj::NetworkAddress& address) {
  auto listener = address.listen();
  std::printf("serves\n");
  std::fflush(stdout);
  auto stream = listener->accept().wait(io.waitScope);
  capnp::TwoPartyVatNetwork network(*stream, capnp::rpc::twoparty::Side::SERVER);
  auto system = capnp::makeRpcServer(network, capnp::Capability::Client(kj::heap<Daemon>()));
  network.onDisconnect().wait(io.waitScope);
}

}  // namespace

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  if (argc != 3) return 64;
  auto io = kj::setupAsyncIo();
  auto address = io.provider->getNetwork().parseAddress(kj::str("unix:", argv[2])).wait(io.waitScope);
  std::strcmp(argv[1], "--serve") == 0 ? serve(io, *address) : ask(io, *address);
}
