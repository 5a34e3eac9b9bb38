package netbinder.test;

import netbinder.test.IListener;
import netbinder.test.Record;

interface IEcho {
  const int LIMIT = 1000;
  const String GREETING = "hello";

  String echo(String text);
  @nullable String echoNullable(@nullable String text);
  int[] arrays(in int[] ints, out long[] longs, inout String[] names);
  boolean[] plain(in boolean[] a, in char[] b, in byte[] c, in float[] d, in double[] e, char f, byte g, float h);
  @nullable int[] nullableArray(in @nullable int[] values);
  Record record(in Record one, in Record[] more);
  ParcelFileDescriptor file(in ParcelFileDescriptor file);
  IBinder object(IBinder object);
  @nullable IBinder nullableObject(@nullable IBinder object);
  IListener listener(IListener listener);
  // Throws what it is told to.
  void fail(int exception, int code, String message);
  int callerPid();
  int callerUid();
  boolean calledWithSid();
  boolean isHandlingTransaction();

  oneway void subscribe(IListener listener);
  oneway void publish(String text);
  oneway void sleepOneway(int milliseconds);
  void sleepSync(int milliseconds);
  // Calls the listener, which is in the caller.
  int addThere(IListener listener, int a, int b);
  int listeners();
  // Holds an object, or lets go of what it holds.
  void hold(@nullable IBinder object);
  byte[] bytes(in byte[] bytes);
  oneway void end();
}
