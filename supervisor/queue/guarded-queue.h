// SPDX-License-Identifier: GPL-3.0-or-later
// A queue of an administrator's own, behind a guard: its errors are errors of a queue, whatever it throws.
//
// Each call of queue.h throws QueueError and nothing else. Code that is no part of smsd may not keep to that,
// and one other exception would end smsctl, or smsd at its start, without a word about its origin. So
// anything else becomes `failed`, in words that name the object and no library's text. Called by
// loaded-queue.cpp.
#pragma once

#include <memory>
#include <string>

#include <kj/exception.h>

#include "common/fault.h"
#include "supervisor/queue/queue.h"

namespace smsd::queue {

/// Returns `error` with its text on one line, printable and bounded.
QueueError inOneLine(const QueueError& error);
/// Returns the error for an exception that is no QueueError. `fault`: faultOf() of it; `call`: where it came
/// from.
QueueError faultOfObject(const std::string& name, const char* call, const std::string& fault);

/// Calls `function` of the queue `name`. Throws QueueError and nothing else.
template <typename F>
auto guardedCall(const std::string& name, const char* call, F&& function) {
  try {
    return function();
  } catch (const QueueError& error) {
    throw inOneLine(error);
  } catch (const kj::Exception& fault) {
    throw faultOfObject(name, call, faultOf(fault));
  } catch (const std::exception& fault) {
    throw faultOfObject(name, call, faultOf(fault));
  } catch (...) {
    throw faultOfObject(name, call, "an exception of an unknown type");
  }
}

/// `name`: of the queue, as in queue.backend.
std::unique_ptr<Queue> guarded(std::unique_ptr<Queue> queue, const std::string& name);

}  // namespace smsd::queue
