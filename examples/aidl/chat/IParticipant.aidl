package chat;

// Who is in a room is called by it. Oneway calls of one object come in their order.
interface IParticipant {
  oneway void joined(String name);
  oneway void left(String name);
  oneway void said(String name, String text);
  oneway void received(String name, String title, in ParcelFileDescriptor file);
}
