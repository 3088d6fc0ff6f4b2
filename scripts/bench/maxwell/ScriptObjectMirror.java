// Maxwell 1.22 names this class of a script engine that Java 17 no longer has; no script is used.
package jdk.nashorn.api.scripting;

public class ScriptObjectMirror extends java.util.HashMap<String, Object> {}
