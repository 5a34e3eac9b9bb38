package chat;

import chat.IParticipant;

interface IRoom {
  const String SERVICE = "chat.IRoom/default";

  // Who else is there. A name that is taken is an illegal argument.
  String[] join(IParticipant me, String name);
  // Only those who have joined are heard.
  oneway void say(IParticipant me, String text);
  oneway void send(IParticipant me, String title, in ParcelFileDescriptor file);
}
