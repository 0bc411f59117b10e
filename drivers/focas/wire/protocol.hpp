// The numbers of the FOCAS/Ethernet protocol: frame types, commands, areas, status codes, limits.
// All on the wire is big-endian. What each command carries is in README.md of this folder.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rise::focas::wire {

inline constexpr std::uint16_t kDefaultPort = 8193;
inline constexpr std::uint32_t kMagic = 0xa0a0a0a0;
inline constexpr std::uint16_t kClientVersion = 1;
inline constexpr std::size_t kHeaderBytes = 10;
inline constexpr std::size_t kRequestBlockBytes = 28;  // without payload
inline constexpr std::size_t kReplyBlockBytes = 16;    // without data
inline constexpr std::size_t kLargestFrame = 4960;     // that any client accepts

// Frame types. High byte = service; low byte 01 request, 02 positive, 03 negative, 04 data.
enum class FrameType : std::uint16_t {
  OpenRequest = 0x0101,
  OpenReply = 0x0102,
  OpenRefused = 0x0103,
  CloseRequest = 0x0201,
  CloseReply = 0x0202,
  DataRequest = 0x2101,
  DataReply = 0x2102,
  DataError = 0x2103,
  DownloadStart = 0x1101,
  DownloadAccepted = 0x1102,
  DownloadRefused = 0x1103,
  DownloadError = 0x1203,
  DownloadData = 0x1204,
  DownloadEnd = 0x1301,
  DownloadDone = 0x1302,
  DownloadFailed = 0x1303,
  UploadStart = 0x1501,
  UploadAccepted = 0x1502,
  UploadRefused = 0x1503,
  UploadData = 0x1604,
  UploadFinished = 0x1701,
  UploadAcknowledge = 0x1702,
  UploadAbort = 0x1804,
};

enum class Device : std::uint16_t { Cnc = 1, Pmc = 2 };

// Commands of device 1 (CNC).
enum class Command : std::uint16_t {
  Start = 0x01,
  Reset = 0x02,
  Search = 0x03,
  Delete = 0x05,
  ProgramDirectory = 0x06,
  ProgramInfo = 0x07,
  ReadToolOffset = 0x08,
  WriteToolOffset = 0x09,
  ToolOffsetInfo = 0x0a,
  ReadWorkOffset = 0x0b,
  ReadParameterLegacy = 0x0e,
  WriteParameterLegacy = 0x0f,
  ParameterInfo = 0x10,
  ReadMacro = 0x15,
  WriteMacro = 0x16,
  MacroInfo = 0x17,
  SystemInfo = 0x18,
  Status = 0x19,
  AlarmBits = 0x1a,
  Figure = 0x1b,
  ProgramNumbers = 0x1c,
  SequenceNumber = 0x1d,
  ExecutingText = 0x20,
  ModalG = 0x21,
  ModalOther = 0x22,
  AlarmMessages = 0x23,
  ActualFeed = 0x24,
  ActualSpindle = 0x25,
  Position = 0x26,
  SettingLegacy = 0x29,
  DiagnosisLegacy = 0x30,
  OperatorMessage = 0x34,
  BlockCount = 0x35,
  WriteMdi = 0x37,
  MdiPointer = 0x38,
  SpindleData = 0x40,
  ReadClock = 0x45,
  WriteClock = 0x46,
  ToolGroupId = 0x47,
  ToolUsedGroup = 0x48,
  ToolGroupCount = 0x4a,
  ToolNumber = 0x4d,
  ToolLength = 0x4f,
  ServoLoad = 0x56,
  OperationMode = 0x57,
  ReadPanel = 0x5d,
  WritePanel = 0x5e,
  ProcessTime = 0x75,
  Units = 0x88,
  AxisNames = 0x89,
  SpindleNames = 0x8a,
  ToolLife = 0x8b,
  AxisCountLegacy = 0x8c,
  ReadParameter = 0x8d,
  WriteParameter = 0x8e,
  Setting = 0x90,
  Diagnosis = 0x93,
  GCodes = 0x96,
  CommandValues = 0x97,
  ToolMode = 0x98,
  ParameterInfo2 = 0xa0,
  DisplayFlags = 0xa3,
  Counts = 0xa4,
  ReadMacroDouble = 0xa7,
  WriteMacroDouble = 0xa8,
  CurrentFolder = 0xb0,
  SubFolders = 0xb2,
  Folder = 0xb3,
  FolderCount = 0xb4,
  DeleteFile = 0xb6,
  MainProgramPath = 0xb9,
  SelectMain = 0xba,
  ProgramName = 0xcf,
  OperatorMessageNew = 0xd0,
  StatusHandwheel = 0xe1,
  StatusExtended = 0xe2,
  CncId = 0xe8,
  ProgramPath = 0xfc,
  Timer = 0x120,
  ToolManagement = 0x14b,
  EthernetInfo = 0x159,
  ToolLifeInfo = 0x1c4,
  Reset2 = 0x2c5,
};

// Commands of device 2 (PMC).
enum class PmcCommand : std::uint16_t { ReadRange = 0x8001, WriteRange = 0x8002, Info = 0x8003 };

// Areas of the PMC, by number: G F Y X A R T K C D, on new controls also M N E Z.
inline constexpr char kPmcAreas[] = "GFYXARTKCDMNEZ";

// Position kinds, arg1 of Command::Position.
enum class PositionKind : std::int32_t {
  AbsoluteDisplayed = 0,
  Machine = 1,
  RelativeDisplayed = 2,
  DistanceDisplayed = 3,
  Absolute = 4,
  Relative = 6,
  Distance = 7,
  Skip = 8,
};

// Status of a reply block: 0 or the API's EW_* code.
enum class Status : std::int16_t {
  Ok = 0,
  Function = 1,
  Length = 2,
  Number = 3,
  Attribute = 4,
  Data = 5,
  NoOption = 6,
  Protected = 7,
  Overflow = 8,
  Parameter = 9,
  Buffer = 10,
  Path = 11,
  Mode = 12,
  Reject = 13,
  DataServer = 14,
  Alarm = 15,
  Stop = 16,
  Password = 17,
  Busy = -1,
  Reset = -2,
  System = -5,
  Unexpected = -6,
  Version = -7,
};

// Controls answer the open with a version that selects the command set.
constexpr bool is_new_control(std::uint16_t version) { return version >= 3; }

// The largest reply (with header) that the vendor's client accepts from a control of that version.
constexpr std::size_t largest_reply(std::uint16_t version) {
  if (version <= 2) return 1460;
  if (version == 3) return 2920;
  return version == 4 ? 3480 : 4960;
}

// What the vendor's client itself never exceeds, and so what every control has been seen to take.
inline constexpr std::size_t kProvenBlocks = 10;
inline constexpr std::size_t kProvenReplyBytes = 1460;

}  // namespace rise::focas::wire
