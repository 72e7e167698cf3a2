/* Messages, chats and contacts. */
"use strict";

class MediaData extends BaseModel {
  defaults() {
    return { mediaStage: "INIT", filehash: "", mimetype: "", type: "", mediaBlob: null };
  }
}

/* Blobs that were downloaded, by the hash of their content. */
const BlobCache = (() => {
  const blobs = new Map();
  return { has: (hash) => blobs.has(hash), get: (hash) => blobs.get(hash), put: (hash, blob) => blobs.set(hash, blob) };
})();
define("WAWebMediaInMemoryBlobCache", {
  InMemoryMediaBlobCache: BlobCache,
  InMemoryMediaBlobCacheImpl: BlobCache.constructor,
});

class MsgModel extends BaseModel {
  defaults() {
    return { type: "chat", body: "", ack: ACK.CLOCK, isNewMsg: false, subtype: null };
  }

  get senderObj() {
    return this.from && ContactStore.get(this.from);
  }

  get sender() {
    return this.from;
  }

  updateAck(level) {
    this.ack = level;
  }

  /* What a reply carries of the message that it answers. */
  msgContextInfo() {
    return { quotedMsg: { type: this.type, body: this.body }, quotedStanzaID: this.id.id, quotedParticipant: this.from };
  }

  async downloadMedia() {
    const { media, filehash, mimetype } = this.attributes;
    this.mediaData.set({ mediaStage: "FETCHING" });
    try {
      BlobCache.put(filehash, new Blob([await Wire.download(media)], { type: mimetype }));
      this.mediaData.set({ mediaStage: "RESOLVED" });
    } catch {
      this.mediaData.set({ mediaStage: "ERROR_MISSING" });
    }
  }
}
MsgModel.prototype.proxyName = "msg";
define("WAWebMsgModel", { MsgModel, default: MsgModel });

class MsgCollectionImpl extends Collection {
  async processMultipleMessages(chat, messages) {
    return messages.map((message) => Inbox.take(message));
  }
}
MsgCollectionImpl.prototype.model = MsgModel;
const MsgStore = new MsgCollectionImpl();
define("WAWebMsgCollection", { MsgCollectionImpl, MsgCollection: MsgStore });

class ChatModel extends BaseModel {
  constructor(attributes) {
    super({ unreadCount: 0, t: 0, archive: false, lastReceivedKey: undefined, active: false, ...attributes });
    Object.defineProperty(this, "msgs", { value: new MsgCollectionImpl() });
    Object.defineProperty(this, "presence", { value: PresenceStore.of(this.id) });
  }

  get isUser() {
    return this.id?.isUser();
  }

  get isGroup() {
    return this.id?.isGroup();
  }

  get contact() {
    return this.id && ContactStore.get(this.id);
  }

  get hasUnread() {
    return this.unreadCount > 0;
  }

  get formattedTitle() {
    if (!this.id) return undefined;
    return this.contact?.name || this.contact?.pushname || `+${this.id.user}`;
  }
}
ChatModel.prototype.proxyName = "chat";
define("WAWebChatModel", { ChatModel, default: ChatModel });

class ContactModel extends BaseModel {
  defaults() {
    return { name: undefined, pushname: "", shortName: undefined, type: "in", isBusiness: false, verifiedName: undefined };
  }
}
ContactModel.prototype.proxyName = "contact";
define("WAWebContactModel", { ContactModel, default: ContactModel });

class PresenceCollectionImpl extends Collection {
  of(id) {
    const known = this.get(id);
    if (known) return known;
    const presence = new BaseModel({ id, isOnline: false, isUser: true, isGroup: false, hasData: true });
    presence.subscribe = async () => undefined;
    presence.set({ chatstate: new BaseModel({ type: "unavailable", deny: false }) }, { silent: true });
    presence.chatstate.on("change:type", (state) => this.trigger("change:chatstate.type", state));
    return this.addOne(presence, { silent: true });
  }
}
const PresenceStore = new PresenceCollectionImpl();
define("WAWebPresenceCollection", { PresenceCollection: PresenceStore });

class ChatCollectionImpl extends Collection {}
ChatCollectionImpl.prototype.model = ChatModel;
const ChatStore = new ChatCollectionImpl();
define("WAWebChatCollection", { ChatCollectionImpl, ChatCollection: ChatStore });

class ContactCollectionImpl extends Collection {}
ContactCollectionImpl.prototype.model = ContactModel;
const ContactStore = new ContactCollectionImpl();
define("WAWebContactCollection", { ContactCollectionImpl, ContactCollection: ContactStore });

class ProfilePicThumbCollectionImpl extends Collection {
  async find(wid) {
    const known = this.get(wid);
    if (known) return known;
    const { url, refused } = await Wire.call("picture", { wid: String(wid) });
    if (refused) throw new Error(`ServerStatusCodeError: ${refused}`);
    return this.addOne(new BaseModel({ id: WidFactory.createWid(wid), img: url, imgFull: url }), {});
  }
}
define("WAWebProfilePicThumbCollection", {
  ProfilePicThumbCollectionImpl,
  ProfilePicThumbCollection: new ProfilePicThumbCollectionImpl(),
});

/* Stores that wa-js listens to and that stay empty here. */
class EmptyCollection extends Collection {}
class TextStatusCollectionImpl extends EmptyCollection {}
class StatusCollectionImpl extends EmptyCollection {
  getMyStatus() {
    return { msgs: new MsgCollectionImpl() };
  }
}
class CallCollectionImpl extends EmptyCollection {
  processIncomingCall() {}

  setActiveCall() {}
}
class GroupMetadataCollection extends EmptyCollection {
  onParentGroupChange() {}
}
class BlocklistCollectionImpl extends EmptyCollection {}
define("WAWebNewsletterCollection", { default: new EmptyCollection() });
define("WAWebStatusCollection", {
  StatusCollectionImpl,
  StatusCollection: new StatusCollectionImpl(),
  TextStatusCollectionImpl,
  TextStatusCollection: new TextStatusCollectionImpl(),
});
define("WAWebBlocklistCollection", { BlocklistCollectionImpl, BlocklistCollection: new BlocklistCollectionImpl() });
define("WAWebMsgInfoCollection", { MsgInfoCollection: new EmptyCollection() });
define("WAWebBotProfileCollection", { BotProfileCollection: new EmptyCollection() });
define("WAWebGroupMetadataCollection", { default: new GroupMetadataCollection() });
define("WAWebCallCollection", { CallCollectionImpl, default: new CallCollectionImpl() });

/* Names of a contact, for the getters that wa-js hangs on the model. */
const nameOf = (contact) => contact.name || contact.pushname || `+${contact.id.user}`;
define("WAWebContactGetters", {
  getNotifyName: (contact) => contact.pushname,
  getUserid: (contact) => contact.id.user,
  getUserhash: (contact) => contact.id.user,
  getIsMe: (contact) => contact.id.equals(Me.pn) || contact.id.equals(Me.lid),
  getIsUser: (contact) => contact.id.isUser(),
  getIsGroup: (contact) => contact.id.isGroup(),
  getIsBroadcast: (contact) => contact.id.isBroadcast(),
  getIsNewsletter: (contact) => contact.id.isNewsletter(),
  getIsPSA: (contact) => contact.id.isPSA(),
  getIsIAS: () => false,
  getIsSupportAccount: () => false,
  getIsWAContact: () => true,
  getIsMyContact: (contact) => Boolean(contact.name),
  getMentionName: nameOf,
  getSearchVerifiedName: () => "",
  getHeader: () => "",
  getCanRequestPhoneNumber: () => false,
  getShowBusinessCheckmarkAsPrimary: () => false,
  getShowBusinessCheckmarkAsSecondary: () => false,
  getShowBusinessCheckmarkInChatlist: () => false,
  getIsDisplayNameApproved: () => true,
  getShouldForceBusinessUpdate: () => false,
  getPremiumMessageName: () => undefined,
});
define("WAWebFrontendContactGetters", {
  getDisplayName: nameOf,
  getPhoneNumber: (contact) => (contact.id.isLid() ? Pairs.getPhoneNumber(contact.id) : contact.id),
  getPnForLid: (contact) => Pairs.getPhoneNumber(contact.id),
  getTextStatusString: () => "",
  getUserDisplayNameForLid: nameOf,
  getDisplayNameOrPnForLid: nameOf,
  getFormattedPhone: (contact) => `+${contact.id.user}`,
  getFormattedUsernameOrPhone: (contact) => `+${contact.id.user}`,
  getFormattedShortNameWithNonBreakingSpaces: nameOf,
  getFormattedShortName: nameOf,
  getFormattedName: nameOf,
  getFormattedUser: (contact) => contact.id.user,
  getSearchName: nameOf,
});
class SearchQuery {
  updateLabelQuery() {}
}
define("WAWebChatSearchQuery", { SearchQuery });
