// SPDX-License-Identifier: GPL-3.0-or-later
#include <capnp/schema.h>
#include <dispatcher-check/next.capnp.h>
#include <gtest/gtest.h>
#include <proto/dispatcher.capnp.h>

namespace smsd::check {
namespace {

/// Where each field of a struct is: its slot's offset and whether it is a pointer.
struct Place {
  std::uint32_t offset;
  bool pointer;
  bool operator==(const Place&) const = default;
};

Place placeOf(capnp::StructSchema::Field field) {
  auto type = field.getType();
  return {field.getProto().getSlot().getOffset(),
          type.isText() || type.isList() || type.isInterface() || type.isAnyPointer()};
}

void expectSameBeginning(capnp::StructSchema ours, capnp::StructSchema next) {
  for (auto field : ours.getFields()) {
    SCOPED_TRACE(field.getProto().getName().cStr());
    auto same = next.findFieldByName(field.getProto().getName());
    ASSERT_TRUE(same != nullptr);
    EXPECT_EQ(placeOf(field), placeOf(next.getFieldByName(field.getProto().getName())));
  }
  EXPECT_GT(next.getFields().size(), ours.getFields().size());
}

TEST(DispatcherCheckNextVersion, HasEveryFieldOfTodayAtItsPlaceAndMore) {
  expectSameBeginning(capnp::Schema::from<proto::Sms>(), capnp::Schema::from<next::Sms>());
  auto dispatch = capnp::Schema::from<proto::Dispatcher>().getMethodByName("dispatch");
  EXPECT_EQ(dispatch.getOrdinal(), 1);
  expectSameBeginning(dispatch.getParamType(), capnp::Schema::from<next::DispatchParams>());
}

}  // namespace
}  // namespace smsd::check
