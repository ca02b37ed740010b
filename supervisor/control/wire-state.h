// SPDX-License-Identifier: GPL-3.0-or-later
// The state of a dispatcher as the sockets show it.
#pragma once

#include <proto/status.capnp.h>

#include "supervisor/keeper/dispatcher-state.h"

namespace smsd::control {

inline proto::DispatcherState wireOf(keeper::State state) {
  switch (state) {
    case keeper::State::starting:
      return proto::DispatcherState::STARTING;
    case keeper::State::ready:
      return proto::DispatcherState::READY;
    case keeper::State::resting:
      return proto::DispatcherState::RESTING;
    case keeper::State::broken:
      return proto::DispatcherState::BROKEN;
    case keeper::State::paused:
      return proto::DispatcherState::PAUSED;
  }
  return proto::DispatcherState::BROKEN;
}

}  // namespace smsd::control
