// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/gammu/libgammu-phone.h"

#include <gammu.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string_view>
#include <system_error>
#include <utility>

#include "common/files/regular-file.h"

namespace smsd::gammu {
namespace {

static_assert(noError == ERR_NONE);

constexpr std::size_t longestGammurc = 1 << 18;  // bytes

/// Returns a copy that libgammu frees.
char* given(const std::string& text) { return ::strdup(text.c_str()); }

// Writes libgammu's UTF-16: big-endian, ended by a zero unit. Cuts `text` to fit `units`.
void put(unsigned char* field, std::size_t units, std::u16string_view text) {
  const std::size_t count = std::min(units - 1, text.size());
  for (std::size_t i = 0; i < count; ++i) {
    field[2 * i] = static_cast<unsigned char>(text[i] >> 8);
    field[2 * i + 1] = static_cast<unsigned char>(text[i] & 0xFF);
  }
  field[2 * count] = field[2 * count + 1] = 0;
}
void putDigits(unsigned char* field, std::size_t units, const std::string& digits) {
  put(field, units, std::u16string(digits.begin(), digits.end()));
}
std::string digitsIn(const unsigned char* field) {
  std::string digits;
  for (; field[0] != 0 || field[1] != 0; field += 2)
    if (field[0] == 0 && field[1] < 0x7F) digits += static_cast<char>(field[1]);
  return digits;
}

}  // namespace

struct Phone::Impl {
  std::mutex guard;  // of the pointer `machine`: abort() is called on another thread
  GSM_StateMachine* machine = nullptr;
  bool isSettled = false;

  static void onStatus(GSM_StateMachine*, int, int, void* data) {
    static_cast<Impl*>(data)->isSettled = true;
  }
};

Phone::Phone() : impl_(std::make_unique<Impl>()) {}
Phone::~Phone() { close(); }

bool Phone::isOpen() const { return impl_->machine != nullptr && GSM_IsConnected(impl_->machine) != 0; }

int Phone::open(const PhoneSettings& settings) {
  close();
  GSM_StateMachine* machine = GSM_AllocStateMachine();
  if (machine == nullptr) return ERR_MOREMEMORY;
  GSM_Config* config = GSM_GetConfig(machine, 0);
  std::memset(config, 0, sizeof *config);
  config->Device = given(settings.device);
  config->Connection = given(settings.connection);
  config->DebugFile = given("");
  std::snprintf(config->Model, sizeof config->Model, "%s", settings.model.c_str());
  config->LockDevice = FALSE;
  config->UseGlobalDebugFile = FALSE;
  config->PhoneFeatures[0] = static_cast<GSM_Feature>(0);
  GSM_SetConfigNum(machine, 1);
  {
    std::lock_guard lock(impl_->guard);
    impl_->machine = machine;
  }
  // One try: a command whose answer is only late must not be sent twice, and the caller decides about
  // retries.
  GSM_Error error = GSM_InitConnection(machine, 1);
  if (error == ERR_NONE) GSM_SetSendSMSStatusCallback(machine, &Impl::onStatus, impl_.get());
  return error;
}

void Phone::close() {
  if (impl_->machine == nullptr) return;
  GSM_TerminateConnection(impl_->machine);
  std::lock_guard lock(impl_->guard);
  GSM_FreeStateMachine(std::exchange(impl_->machine, nullptr));
}

void Phone::abort() {
  std::lock_guard lock(impl_->guard);
  if (impl_->machine != nullptr) GSM_AbortOperation(impl_->machine);
}

int Phone::readCentre(std::string& number) {
  GSM_SMSC centre{};
  centre.Location = 1;
  GSM_Error error = GSM_GetSMSC(impl_->machine, &centre);
  if (error == ERR_NONE) number = digitsIn(centre.Number);
  return error == ERR_EMPTY ? noError : error;
}

int Phone::submit(const Part& part, Alphabet alphabet, const Envelope& envelope) {
  impl_->isSettled = false;
  auto message = std::make_unique<GSM_SMSMessage>();  // large
  GSM_SetDefaultSMSData(message.get());
  message->PDU = envelope.report == Envelope::Report::wanted ? SMS_Status_Report : SMS_Submit;
  message->Coding =
      alphabet == Alphabet::gsm7 ? SMS_Coding_Default_No_Compression : SMS_Coding_Unicode_No_Compression;
  message->Class = envelope.messageClass == Envelope::Class::flash ? GSM_SMS_Flash : GSM_SMS_None;
  putDigits(message->Number, GSM_MAX_NUMBER_LENGTH + 1, envelope.number);
  message->SMSC.Location = 0;  // use the number below; otherwise the SIM is read for each part
  putDigits(message->SMSC.Number, GSM_MAX_NUMBER_LENGTH + 1, envelope.centre);
  message->SMSC.Format = SMS_FORMAT_Text;
  // libgammu writes a validity period into every SMS.
  message->SMSC.Validity.Format = SMS_Validity_RelativeFormat;
  message->SMSC.Validity.Relative =
      envelope.validity ? static_cast<GSM_ValidityPeriod>(relativeValidity(*envelope.validity))
                        : SMS_VALID_Max_Time;
  put(message->Text, GSM_MAX_SMS_LENGTH + 1, part.text);
  message->Length = static_cast<int>(part.text.size());
  message->UDH.Type = part.header.empty() ? UDH_NoUDH : UDH_UserUDH;
  message->UDH.Length = static_cast<int>(part.header.size());
  std::copy(part.header.begin(), part.header.end(), message->UDH.Text);
  const GSM_Error error = GSM_SendSMS(impl_->machine, message.get());
  if (error != ERR_NONE) impl_->isSettled = true;  // the answer was read, or there will be none
  return error;
}

bool Phone::isSettled() {
  if (!impl_->isSettled) GSM_ReadDevice(impl_->machine, TRUE);
  return impl_->isSettled;
}

std::string Phone::manufacturer() const {
  char text[GSM_MAX_MANUFACTURER_LENGTH + 1] = "";
  return isOpen() && GSM_GetManufacturer(impl_->machine, text) == ERR_NONE ? text : "";
}

std::string Phone::model() const {
  char text[GSM_MAX_MODEL_LENGTH + 1] = "";
  return isOpen() && GSM_GetModel(impl_->machine, text) == ERR_NONE ? text : "";
}

std::string operatorName(const std::string& code) {
  if (code.size() < 5 || code.size() > 6) return "";
  const std::string spaced = code.substr(0, 3) + " " + code.substr(3);
  for (const GSM_CodeName* entry = GSM_Networks; entry->Code[0] != 0; ++entry)
    if (spaced == entry->Code) return entry->Name;
  return "";
}

std::uint8_t relativeValidity(std::chrono::minutes period) {
  const auto minutes = period.count();
  auto steps = [](long value, long step) { return (value + step - 1) / step; };
  if (minutes <= 12 * 60) return static_cast<std::uint8_t>(std::max(steps(minutes, 5), 1L) - 1);
  if (minutes <= 24 * 60) return static_cast<std::uint8_t>(143 + steps(minutes - 12 * 60, 30));
  if (minutes <= 30 * 24 * 60) return static_cast<std::uint8_t>(166 + steps(minutes, 24 * 60));
  return static_cast<std::uint8_t>(192 + std::min(steps(minutes, 7 * 24 * 60), 63L));
}

Gammurc readGammurc(const std::string& path, int section) {
  // libgammu opens a path and reads it to its end, so a FIFO or a device would hold it up without limit.
  std::error_code why;
  auto content = files::readRegular(path, longestGammurc + 1, why);
  if (!content) return {"cannot be read (" + why.message() + ")", {}};
  if (content->size() > longestGammurc) return {"is too long", {}};
  const int copy = ::memfd_create("gammurc", MFD_CLOEXEC);
  INI_Section* file = nullptr;
  const bool isRead =
      copy >= 0 && ::write(copy, content->data(), content->size()) == static_cast<ssize_t>(content->size()) &&
      GSM_FindGammuRC(&file, ("/proc/self/fd/" + std::to_string(copy)).c_str()) == ERR_NONE;
  if (copy >= 0) ::close(copy);
  if (!isRead) return {"cannot be read as a gammurc", {}};
  GSM_Config config{};
  GSM_Error error = GSM_ReadConfig(file, &config, section);
  INI_Free(file);
  Gammurc result;
  if (error == ERR_NONE_SECTION)
    result.problem = "has no section [gammu" + (section == 0 ? "" : std::to_string(section)) + "]";
  else if (error != ERR_NONE)
    result.problem = "names no device in [gammu" + (section == 0 ? "" : std::to_string(section)) + "]";
  else
    result.settings = {config.Device, config.Connection, config.Model};
  std::free(config.Device);
  std::free(config.Connection);
  std::free(config.DebugFile);
  return result;
}

}  // namespace smsd::gammu
