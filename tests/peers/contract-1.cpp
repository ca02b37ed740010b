// SPDX-License-Identifier: GPL-3.0-or-later
// The two sides of protocol version 1, built from its frozen schema (tests/data/contract-1) and from Cap'n
// Proto alone. For tests/scenario/versions.py; contract-sides.h has its arguments.
#include "tests/peers/contract-sides.h"

namespace {

using namespace smsd;

class WorkerOf1 final : public contract::Worker {};

class SupervisorOf1 final : public contract::Supervisor {
  void meet(proto::Dispatcher::Client, proto::Description::Reader description, kj::WaitScope&) override {
    KJ_REQUIRE(description.getVersion() == proto::VERSION);
  }
};

}  // namespace

int main(int argc, char** argv) {
  SupervisorOf1 supervisor;
  return contract::run(
      argc, argv, [](const char*) { return kj::heap<WorkerOf1>(); }, supervisor);
}
