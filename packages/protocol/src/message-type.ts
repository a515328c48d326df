/**
 * Message types of the registry protocol: one byte, requests odd up to 0x0A as documented, ours from 0x40 with even
 * requests (SecReg-Linux docs/API.md "Message types"). 0x00 is reserved for ever: it tells the framings apart.
 */
export const MESSAGE_TYPE = Object.freeze({
  AuthRequest: 0x01,
  AuthResponse: 0x02,
  GetRequest: 0x03,
  GetResponse: 0x04,
  SetRequest: 0x05,
  SetResponse: 0x06,
  DeleteRequest: 0x07,
  DeleteResponse: 0x08,
  ListRequest: 0x09,
  ListResponse: 0x0a,
  HelloRequest: 0x40,
  HelloResponse: 0x41,
  LogoutRequest: 0x42,
  LogoutResponse: 0x43,
  StatusRequest: 0x44,
  StatusResponse: 0x45,
  AuditRequest: 0x46,
  AuditResponse: 0x47,
  ExportRequest: 0x48,
  ExportResponse: 0x49,
  ImportRequest: 0x4a,
  ImportResponse: 0x4b,
  TxnRequest: 0x4e,
  TxnResponse: 0x4f,
  HistoryRequest: 0x50,
  HistoryResponse: 0x51,
  SealRequest: 0x52,
  SealResponse: 0x53,
  WatchRequest: 0x54,
  WatchResponse: 0x55,
  UnwatchRequest: 0x56,
  UnwatchResponse: 0x57,
  SearchRequest: 0x58,
  SearchResponse: 0x59,
  UserRequest: 0x5a,
  UserResponse: 0x5b,
  WhoamiRequest: 0x5c,
  WhoamiResponse: 0x5d,
  PasswordRequest: 0x5e,
  PasswordResponse: 0x5f,
  SecurityRequest: 0x60,
  SecurityResponse: 0x61,
  VersionsRequest: 0x62,
  VersionsResponse: 0x63,
  MetaRequest: 0x64,
  MetaResponse: 0x65,
  TransferRequest: 0x66,
  TransferResponse: 0x67,
  MountRequest: 0x68,
  MountResponse: 0x69,
  ProtectorRequest: 0x6a,
  ProtectorResponse: 0x6b,
  RotateRequest: 0x6c,
  RotateResponse: 0x6d,
  /** Pushed by the daemon without a request: the events of a watch. */
  WatchEvent: 0x80,
  ErrorResponse: 0xff,
} as const)

/** Name of a message type. */
export type MessageName = keyof typeof MESSAGE_TYPE

/** Byte of a message type. */
export type MessageType = (typeof MESSAGE_TYPE)[MessageName]
