# SPDX-License-Identifier: GPL-3.0-or-later
@0xb6f1c0d2a7e94d31;
# Structs of a made-up next version of proto/dispatcher.capnp: those of today with fields added at the end. The check
# `next-version` sends them. The first fields have the ordinals and types of the original, so that both have one layout;
# tests/unit/clients/next-test.cpp compares them.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("smsd::check::next");

struct Sms {
  attempt @0 :UInt64;
  recipient @1 :Text;
  text @2 :Text;
  key @3 :Text;
  deadline @4 :UInt32;
  encoding @5 :UInt16;
  # An enum in the original.
  parts @6 :UInt16;
  urgency @7 :UInt64;
  # New.
  campaign @8 :Text;
  # New.
  routes @9 :List(Route);
  # New.
}

struct Route {
  # New.
  name @0 :Text;
  price @1 :UInt32;
}

struct DispatchParams {
  # The arguments of Dispatcher.dispatch.
  batch @0 :List(Sms);
  sink @1 :AnyPointer;
  # An OutcomeSink.
  notAfter @2 :UInt64;
  # New.
  origin @3 :Text;
  # New.
}
