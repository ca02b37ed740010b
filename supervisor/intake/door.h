// SPDX-License-Identifier: GPL-3.0-or-later
// Serves proto/intake.capnp to one program, on one connection to intake.sock.
//
// Owns the answer to each call. Made by the desk for each connection; a call in progress may keep it alive
// longer.
#pragma once

#include <proto/intake.capnp.h>

#include "supervisor/intake/desk.h"

namespace smsd::intake {

class SubmitDoor final : public proto::Intake::Server {
 public:
  SubmitDoor(Desk& desk, Desk::Uid uid) : desk_(desk), uid_(uid) {}

 protected:
  kj::Promise<void> submit(SubmitContext context) override;
  kj::Promise<void> ready(ReadyContext context) override;

 private:
  Desk& desk_;
  const Desk::Uid uid_;
};

}  // namespace smsd::intake
